import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { LeaseLostError } from '../../../lib/errors.ts'
import type { Loaded, Saved } from '../../../lib/learn/checkpoint.ts'
import { checkpointsOf, stateAfter, stateAt } from '../../../test/support/learner.ts'
import type { Ports } from './place.ts'
import type { WritePath } from './writing.ts'

const partition = 'images.unlabeled/0'
const recordsEach = 10

/** Records of which a checkpoint says that they took effect, by its offsets and by its content. */
function applied({ saved: { head }, parts, fallback }: Loaded): number {
  const offset = head.offsets[partition] ?? Number.NaN
  equal(fallback, undefined, 'a part of the checkpoint is damaged')
  deepEqual(parts['buffer']?.json, { applied: offset }, 'offsets and state do not agree')
  const ids = Array.from((parts['buffer']?.arrays?.['ids'] ?? []) as Iterable<number>)
  const once = Array.from({ length: offset }, (_, i) => i)
  deepEqual(ids, once, 'a record is lost or took effect twice')
  return offset
}

/** A learner that takes over, writes two checkpoints, and is followed by another one. */
export const checkpoint: WritePath = {
  name: 'checkpoint',
  begin: async (ports) => {
    let fence = 1
    let acknowledged = recordsEach
    let stale: Saved | undefined
    await checkpointsOf(ports, fence).replace(undefined, stateAt(acknowledged))
    const load = async (some: Ports): Promise<Loaded> =>
      (await checkpointsOf(some, fence).load()) as Loaded
    const grow = async (some: Ports, saved: Saved): Promise<Saved> => {
      const next = acknowledged + recordsEach
      const grown = await checkpointsOf(some, fence).replace(saved, stateAfter(saved, next))
      acknowledged = next
      return grown
    }
    return {
      run: async (some) => {
        fence += 1
        stale = undefined
        stale = (await load(some)).saved
        stale = await grow(some, stale)
        stale = await grow(some, stale)
      },
      recover: async (some) => {
        fence += 1
        const loaded = await load(some)
        const present = applied(loaded)
        ok([acknowledged, acknowledged + recordsEach].includes(present), `${present}`)
        acknowledged = present
        const late = stale && stateAfter(stale, acknowledged + 1)
        if (stale && late) {
          const asleep = checkpointsOf(some, fence - 1)
          await rejects(asleep.replace(stale, late), LeaseLostError, 'the old writer was let in')
        }
        await grow(some, loaded.saved)
        equal(applied(await load(some)), acknowledged)
      },
    }
  },
}
