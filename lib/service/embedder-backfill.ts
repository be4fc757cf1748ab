import { randomStream } from '../engine/random.ts'
import { backfill } from '../search/backfill.ts'
import { eraseFrom } from '../search/erase.ts'
import type { GenerationSource } from '../search/generation.ts'
import type { PictureRow } from '../search/seal.ts'
import { type EmbedderContext, limitsOf, workingOn } from './embedder-context.ts'
import { vectorsOf, type WorkingGeneration } from './embedder-generation.ts'
import { partitionNumber, sendAll, vectorRecords } from './embedder-send.ts'

/** A source that is to be done, and for which generation. */
interface Task {
  readonly one: WorkingGeneration
  readonly source: GenerationSource
}

/** Sources that are to be done, by generation; what is in service comes first. */
function openSources(
  context: EmbedderContext,
): readonly { readonly one: WorkingGeneration; readonly open: readonly GenerationSource[] }[] {
  return workingOn(context)
    .filter(({ document }) => document.state !== 'failed')
    .map((one) => ({ one, open: one.document.sources.filter(({ done }) => !done) }))
}

/** How many sources are still to be embedded again. */
export function backlog(context: EmbedderContext): number {
  return openSources(context).reduce((sum, { open }) => sum + open.length, 0)
}

/**
 * Embeds the pictures of sources again, one source a call, in random order, so that several
 * embedders seldom do the same; throttled, so that new pictures come first.
 *
 * @returns Whether there was one to do.
 */
export function backfiller(context: EmbedderContext): (stop: AbortSignal) => Promise<boolean> {
  const { parts, options, all, counts, exclusively } = context
  const { registry, stream, clock } = parts
  const { blobs } = registry
  const random = randomStream(parts.seed, 'backfill', parts.by)

  /** One of the first generation that has any: what is in service goes first. */
  const nextTask = (): Task | undefined => {
    for (const { one, open } of openSources(context)) {
      const source = open[random.integer(Math.max(1, open.length))]
      if (source !== undefined) return { one, source }
    }
    return undefined
  }

  const run = async ({ one, source }: Task, signal: AbortSignal): Promise<void> => {
    let began = clock.now()
    const made: string[] = []
    const onChunk = async (rows: readonly PictureRow[]) => {
      await sendAll(stream, vectorRecords(one.model, rows, partitionNumber(source.partition)))
      made.push(...rows.map(({ id }) => id))
      counts.embedded += rows.length
      const pause = (clock.now() - began) * (1 / options.backfillShare - 1)
      if (pause > 0) await clock.sleep(pause, signal)
      began = clock.now()
    }
    const { expiresBefore } = limitsOf(context)
    await backfill(one.document, source, {
      blobs,
      generations: all,
      vectors: (ids) => vectorsOf(blobs, one, ids, options.maxPictureBytes),
      isKnown: (id) => one.known.has(id),
      isErased: (id) => context.erased.has(id),
      expiresBefore,
      onChunk,
      signal,
    })
    // Not before they are in a block: what fails is begun again, with all of them.
    for (const id of made) one.known.add(id)
    await exclusively(async () => {
      one.document = (await all.read(one.id)) ?? one.document
      const erased = new Set(made.filter((id) => context.erased.has(id)))
      if (erased.size === 0) return // else meanwhile: whoever took them out has not seen this block
      one.document = await eraseFrom(blobs, all, one.document, source.partition, erased)
    })
  }

  return async (stop) => {
    const task = nextTask()
    if (task === undefined) return false
    const signal = AbortSignal.any([stop, task.one.stop.signal])
    try {
      await run(task, signal)
    } catch (error) {
      if (!signal.aborted) throw error // else nobody waits for it any more
    }
    return true
  }
}
