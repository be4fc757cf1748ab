import { deepEqual, equal, ok } from 'node:assert/strict'
import { keepHouse, planHousekeeping } from '../../../lib/service/housekeeping.ts'
import {
  checkpointsOf,
  contentOf,
  ingest,
  stateWith,
} from '../../../test/service/housekeeping-folder.ts'
import { move, smallModel, storeModel } from '../../../test/support/models.ts'
import type { Ports } from './place.ts'
import type { WritePath } from './writing.ts'

const held = { assertHeld: () => undefined }
const dayMs = 86_400_000

/** Old versions, checkpoints, pictures and records go; what anything names stays. */
export const collection: WritePath = {
  name: 'collection',
  begin: async (ports) => {
    let turn = 0
    let records = 0
    let buffer: readonly string[] = []
    /** A version, a checkpoint, and pictures, of which the learner keeps one and lets one go. */
    const prepare = async (some: Ports): Promise<void> => {
      turn += 1
      const [kept] = await ingest(some, [`kept ${turn}`, `seen ${turn}`])
      buffer = [...buffer.slice(-2), kept as string]
      for (const id of buffer) await some.blobs.keep(id)
      const checkpoints = await checkpointsOf(some)
      const loaded = await checkpoints.load()
      await checkpoints.replace(loaded?.saved, contentOf(stateWith(buffer), records + 2, records))
      records += 2
      const entry = await storeModel(some.registry, smallModel(turn))
      await some.registry.stable.move(entry, { move })
    }
    for (let n = 0; n < 5; n += 1) await prepare(ports)
    return {
      everyMs: 3 * dayMs,
      run: async (some) => {
        await keepHouse(some, held, some.now)
      },
      recover: async (some) => {
        await expectWhole(some, buffer)
        await keepHouse(some, held, some.now)
        await expectWhole(some, buffer)
        const left = await planHousekeeping(some, some.now)
        deepEqual(left.documents, [], 'what may go is still there')
        equal((await some.registry.versions.list()).length, 2)
        await prepare(some)
      },
    }
  },
}

/** Everything that something names is there, and whole. */
async function expectWhole(ports: Ports, buffer: readonly string[]): Promise<void> {
  const { registry, blobs } = ports
  for (const { version } of await registry.versions.list()) await registry.loadVersion(version)
  const stable = await registry.stable.read()
  await registry.loadVersion(stable?.version ?? '')
  const loaded = await (await checkpointsOf(ports)).load()
  ok(loaded, 'no checkpoint')
  equal(loaded.fallback, undefined, 'a checkpoint is damaged')
  for (const id of buffer) ok(await blobs.get('pictures', id, { maxBytes: 1 << 20 }), 'a picture')
}
