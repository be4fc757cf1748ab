import { deepEqual, equal } from 'node:assert/strict'
import { openCheckpoint } from '../../../lib/learn/checkpoint.ts'
import { namesAny } from '../../../lib/learn/forget.ts'
import { checkpointKind, headKey } from '../../../lib/registry/checkpoint-head.ts'
import { monotonicClock } from '../../../lib/registry/clock.ts'
import { readDocument, readFound } from '../../../lib/registry/document.ts'
import { leaseKind } from '../../../lib/registry/lease-document.ts'
import { readErasure, requestErasure } from '../../../lib/service/erasures.ts'
import { forgetHere } from '../../../lib/service/forget-here.ts'
import type { Pipeline } from '../../../lib/service/open-pipeline.ts'
import { readState } from '../../../lib/service/read-state.ts'
import { contentOf, ingest, stateWith } from '../../../test/service/housekeeping-folder.ts'
import type { Ports } from './place.ts'
import type { WritePath } from './writing.ts'

const wish = { by: 'proof', at: 1, why: 'asked' } as const

const pipelineOf = (ports: Ports): Pipeline => ({
  ...ports,
  cacheFolder: ports.config.data,
  close: async () => undefined,
})

/** The checkpoints, as whoever wrote the last one. */
async function checkpointsOf({ documents, blobs, stream }: Ports) {
  const found = await readFound(documents, headKey('main'))
  const fence = found ? readDocument(headKey('main'), found.value, checkpointKind).fence : 1
  const log = await stream.identity()
  return openCheckpoint({ documents, blobs, lineage: 'main', fence, log })
}

/** Asks to forget a picture, and does it in the place of all roles. */
async function forget(ports: Ports, id: string): Promise<void> {
  await requestErasure(ports.documents, id, wish)
  await forgetHere(pipelineOf(ports), new Set([id]), {
    ...{ now: ports.now, clock: monotonicClock, signal: new AbortController().signal },
  })
}

/** The process that died here is this very one: nobody would take its leases over. */
async function freeLeases({ documents }: Ports): Promise<void> {
  for (const name of ['run', 'learn', 'gc']) {
    const key = `lease/${name}`
    const found = await readFound(documents, key)
    if (found === undefined) continue
    const { owner: _, ...free } = readDocument(key, found.value, leaseKind)
    await documents.swap(key, free, found.tag)
  }
}

/** A picture that must go from everywhere, while all others stay. */
export const erasure: WritePath = {
  name: 'erasure',
  begin: async (ports) => {
    let turn = 0
    let gone = ''
    const stays: string[] = []
    let records = 0
    /** Takes two pictures in, both of which the learner keeps and remembers. */
    const prepare = async (some: Ports): Promise<void> => {
      turn += 1
      const ids = await ingest(some, [`gone ${turn}`, `stays ${turn}`])
      for (const id of ids) await some.blobs.keep(id)
      gone = ids[0] as string
      stays.push(ids[1] as string)
      const checkpoints = await checkpointsOf(some)
      const loaded = await checkpoints.load()
      const next = contentOf(stateWith([...stays, gone]), records + 2, records)
      await checkpoints.replace(loaded?.saved, next)
      records += 2
    }
    await prepare(ports)
    return {
      run: (some) => forget(some, gone),
      recover: async (some) => {
        await freeLeases(some)
        await forget(some, gone)
        const { done } = (await readErasure(some.documents, gone)) ?? { done: {} }
        deepEqual(Object.keys(done).sort(), ['collection', 'embed', 'learn'])
        equal(await some.blobs.stat('pictures', gone), undefined, 'its bytes are still there')
        for (const id of stays) {
          const info = await some.blobs.stat('pictures', id)
          equal(info?.kept, true, 'another picture went, or may go')
        }
        const { state, head } = await readState(pipelineOf(some))
        equal(namesAny(state, new Set([gone])), false, 'the learner remembers it')
        deepEqual([...state.buffer.entries.keys()], stays, 'the learner lost another')
        equal(head.offsets['images.unlabeled/0'], records)
        await prepare(some)
      },
    }
  },
}
