import { deepEqual, equal } from 'node:assert/strict'
import { StreamError } from '../../../lib/errors.ts'
import { digestOf } from '../../../lib/registry/digest.ts'
import { acceptPicture } from '../../../lib/service/accept-picture.ts'
import { isErased } from '../../../lib/service/erasures.ts'
import { readTopic } from '../../../lib/service/read-topic.ts'
import { topicNames } from '../../../lib/stream/topics.ts'
import type { Ports } from './place.ts'
import type { WritePath } from './writing.ts'

const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const picture = (text: string): Uint8Array => Buffer.concat([png, Buffer.from(text)])
const topic = topicNames.unlabeled

/** As `POST /v1/images` takes a picture in. */
function accept({ blobs, stream, documents }: Ports, bytes: Uint8Array) {
  const limits = { bytes: 1 << 20, formats: ['png'] as const }
  const hash = async (some: Uint8Array) => digestOf(some)
  const parts = { ...{ blobs, stream, topic, source: 'proof', limits, hash, deadlineMs: 1_000 } }
  return acceptPicture({ ...parts, isErased: (id) => isErased(documents, id) }, { bytes })
}

/** A picture handed in over HTTP, and raw ones that a producer writes, each sent until acked. */
export const record: WritePath = {
  name: 'record',
  begin: async () => {
    const acknowledged = new Set<string>()
    const places = new Map<string, string>()
    let turn = 0
    const send = async ({ stream }: Ports, values: readonly Uint8Array[]): Promise<void> => {
      const results = await stream.send(
        topic,
        values.map((value) => ({ value })),
        { deadlineMs: 1_000 },
      )
      for (const [i, result] of results.entries()) {
        if (result.outcome !== 'acked') {
          const { reason } = result
          throw new StreamError(`record: expected acked, got ${reason}`, {
            reason,
            retryable: true,
          })
        }
        const id = digestOf(values[i] as Uint8Array)
        acknowledged.add(id)
        places.set(`${result.partition}@${result.offset}`, id)
      }
    }
    const work = async (ports: Ports, n: number): Promise<void> => {
      acknowledged.add((await accept(ports, picture(`posted ${n}`))).id)
      await send(ports, [picture(`raw ${n}`), picture(`raw too ${n}`)])
    }
    return {
      run: async (ports) => {
        turn += 1
        await work(ports, turn)
      },
      recover: async (ports) => {
        await expectAll(ports, acknowledged, places)
        await work(ports, turn) // a sender that hears nothing, or no, hands it in again
        await expectAll(ports, acknowledged, places)
      },
    }
  },
}

/** Every acknowledged picture is in the log, where it was said to be, and its bytes are whole. */
async function expectAll(
  { stream, blobs }: Ports,
  acknowledged: ReadonlySet<string>,
  places: ReadonlyMap<string, string>,
): Promise<void> {
  const found = new Map<string, string>()
  const claimed = new Set<string>()
  await readTopic(stream, topic, 'proof', (records, partition) => {
    for (const { offset, value } of records) {
      const isRaw = value[0] === png[0]
      const id = isRaw ? digestOf(value) : String(JSON.parse(Buffer.from(value).toString()).sha256)
      found.set(`${partition}@${offset}`, id)
      if (!isRaw) claimed.add(id)
    }
  })
  const ids = new Set(found.values())
  deepEqual(
    [...acknowledged].filter((id) => !ids.has(id)),
    [],
    'lost',
  )
  deepEqual(
    [...places].filter(([place, id]) => found.get(place) !== id),
    [],
    'misplaced',
  )
  for (const id of claimed) {
    const bytes = await blobs.get('pictures', id, { maxBytes: 1 << 20 })
    equal(bytes && digestOf(bytes), id, 'a record whose picture is not whole')
  }
}
