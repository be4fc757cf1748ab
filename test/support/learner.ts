import {
  type Checkpoints,
  type NextCheckpoint,
  openCheckpoint,
  type Saved,
} from '../../lib/learn/checkpoint.ts'
import type { Outlets, Publication } from '../../lib/learn/publish.ts'
import { openRegistry } from '../../lib/registry/registry.ts'
import { type SmallModel, smallModel } from './models.ts'
import type { Stores } from './stores.ts'

/** Identity of the log in tests. */
export const log = 'log-1'

/** The checkpoints of lineage `main`, as the holder of that fence. */
export function checkpointsOf({ documents, blobs }: Stores, fence = 1): Checkpoints {
  return openCheckpoint({ documents, blobs, lineage: 'main', fence, log })
}

/** A learner's outlets on these stores. */
export function outletsOf(stores: Stores, fence = 1): Outlets {
  return {
    checkpoints: checkpointsOf(stores, fence),
    registry: openRegistry({ ...stores, name: 'main' }),
    stream: stores.stream,
    fence,
    by: `learner-${fence}`,
    now: () => 7,
  }
}

/** A state that has applied `applied` records, each with its number in the part `buffer`. */
export function stateAt(applied: number, more: Partial<NextCheckpoint> = {}): NextCheckpoint {
  const ids = Int32Array.from({ length: applied }, (_, i) => i)
  return {
    at: applied,
    offsets: { 'images.unlabeled/0': applied },
    counts: { 'images.unlabeled/0': { applied } },
    random: { draws: applied },
    settings: 'settings',
    model: { next: 1 },
    parts: {
      buffer: { json: { applied }, arrays: { ids } },
      student: { json: {}, arrays: { weights: Float32Array.of(1, 2) } },
    },
    ...more,
  }
}

/** The state after `saved` in which records up to `applied` were applied. */
export function stateAfter(
  { head }: Saved,
  applied: number,
  more: Partial<NextCheckpoint> = {},
): NextCheckpoint {
  const { model, pending } = head
  return { ...stateAt(applied), model, pending, from: head.offsets, ...more }
}

/** What a learner would publish next. */
export function publicationAfter(saved: Saved, champion?: string, salt = ''): Publication {
  const options = { salt, fence: saved.head.fence, ...(champion !== undefined && { champion }) }
  const model: SmallModel = smallModel(saved.head.model.next, options)
  const student = { json: {}, arrays: { weights: Float32Array.of(model.manifest.n) } }
  const { buffer } = saved.head.parts
  return {
    ...model,
    next: { ...saved.head, at: 8, parts: { ...(buffer && { buffer }), student } },
  }
}
