import { openCheckpoint } from '../learn/checkpoint.ts'
import { namesAny, withoutErased } from '../learn/forget.ts'
import { partOf, stateOf } from '../learn/state-parts.ts'
import { checkpointPrefix, headKey } from '../registry/checkpoint-head.ts'
import type { Clock } from '../registry/clock.ts'
import { listAll } from '../registry/document.ts'
import { eraseFrom } from '../search/erase.ts'
import { generations } from '../search/generations.ts'
import { collectErased, picturePartitions } from './collect-erased.ts'
import { noteErased, readErasures } from './erasures.ts'
import { asOnlyCollector } from './housekeeping-lease.ts'
import type { Pipeline } from './open-pipeline.ts'
import { takeRunLease } from './run-lease.ts'

/** What {@link forgetHere} needs. */
export interface ForgetHereOptions {
  /** The time of day, ms since 1970. */
  readonly now: () => number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Forgets pictures in the place of all roles, while none of them works on the data folder.
 *
 * @param ids - Pictures that were asked to be forgotten.
 * @throws {@link BusyError} if a run works on the folder: its roles will do it.
 */
export async function forgetHere(
  pipeline: Pipeline,
  ids: ReadonlySet<string>,
  { now, clock, signal }: ForgetHereOptions,
): Promise<void> {
  const { documents } = pipeline
  let lost: unknown
  const onLost = (error: unknown): void => {
    lost ??= error
  }
  const run = await takeRunLease(pipeline, 'run', clock, onLost)
  try {
    const learn = await takeRunLease(pipeline, 'learn', clock, onLost)
    try {
      for (const lineage of await lineages(pipeline)) {
        signal.throwIfAborted()
        learn.assertHeld()
        await forgetInLineage(pipeline, lineage, learn.fence, ids, now())
      }
      await noteErased(documents, ids, { learn: now() })
    } finally {
      await learn.release()
    }
    await forgetInIndex(pipeline, ids)
    const partitions = await picturePartitions(pipeline)
    const embed = Object.fromEntries(partitions.map((one) => [one, now()]))
    await noteErased(documents, ids, { embed })
    const erasures = await readErasures(documents, ids)
    await asOnlyCollector(
      documents,
      (lease) => collectErased(pipeline, lease, erasures, now),
      signal,
    )
    if (lost !== undefined) throw lost
  } finally {
    await run.release()
  }
}

async function lineages({ documents }: Pipeline): Promise<readonly string[]> {
  const keys = await listAll(documents, checkpointPrefix)
  return keys.map((key) => key.split('/')[1] ?? '').filter((one, i) => keys[i] === headKey(one))
}

/** Writes a checkpoint that names none of the pictures, as the learner of a lineage would. */
async function forgetInLineage(
  { documents, blobs, stream }: Pipeline,
  lineage: string,
  fence: number,
  ids: ReadonlySet<string>,
  at: number,
): Promise<void> {
  const log = await stream.identity()
  const checkpoints = openCheckpoint({ documents, blobs, lineage, fence, log })
  const loaded = await checkpoints.load()
  if (loaded === undefined) return
  const { saved, parts, round } = loaded
  const state = stateOf(parts)
  const isRoundVoid = round !== undefined && namesAny(stateOf(round), ids)
  if (!isRoundVoid && !namesAny(state, ids)) return
  const left = withoutErased(state, ids)
  const changed = (['buffer', 'heldOut', 'seen'] as const).flatMap((name) => {
    const part = partOf(left, name)
    return part === undefined ? [] : [[name, part] as const]
  })
  const { head } = saved
  await checkpoints.replace(saved, {
    ...head,
    at,
    round: isRoundVoid ? undefined : head.round,
    parts: { ...head.parts, ...Object.fromEntries(changed) },
    from: head.offsets,
  })
}

async function forgetInIndex(
  { documents, blobs }: Pipeline,
  ids: ReadonlySet<string>,
): Promise<void> {
  const all = generations(documents)
  for (const generation of await all.list()) {
    for (const partition of new Set(generation.blocks.map((block) => block.partition))) {
      await eraseFrom(blobs, all, generation, partition, ids)
    }
  }
}
