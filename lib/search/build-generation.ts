import { ArtifactError } from '../errors.ts'
import { coverageOf, type Generation } from './generation.ts'
import { attemptOf, type Generations, type NewGeneration } from './generations.ts'

/** What a generation must show before it may serve. */
export interface GenerationChecks {
  /** All partitions that pictures come in. */
  readonly partitions: readonly string[]
  /** Share of its sources' pictures, range [0, 1]. */
  readonly minCoverage: number
  /** Share of true neighbours found, range [0, 1]. */
  readonly minRecall: number
  /** Measures the latter; asked once all else is in order. */
  recall(generation: Generation): Promise<number>
}

/**
 * The generation of a version: the one that is under way or ready, else a new one.
 *
 * @param spent - Number of an attempt that was collected: it is not used again.
 * @returns `undefined` if an attempt has failed: another one is for people to ask for.
 */
export async function beginGeneration(
  all: Generations,
  begun: NewGeneration,
  spent = 0,
): Promise<Generation | undefined> {
  const attempts = await all.list(begun.version)
  return attempts.length === 0 ? all.create(begun, spent + 1) : usableGeneration(attempts)
}

/**
 * Begins one more attempt, whatever there is: somebody asked for it.
 *
 * @param spent - Number of an attempt that may have been collected: it is not used again.
 */
export async function beginAgain(
  all: Generations,
  begun: NewGeneration,
  spent = 0,
): Promise<Generation> {
  const attempts = await all.list(begun.version)
  return all.create(begun, Math.max(spent, ...attempts.map(attemptOf)) + 1)
}

/** The newest attempt that has not failed. */
export function usableGeneration(attempts: readonly Generation[]): Generation | undefined {
  return attempts.findLast(({ state }) => state !== 'failed')
}

/** Whether it knows of every partition, and nothing of its sources is to be done. */
export function isComplete(
  { next, sources }: Pick<Generation, 'next' | 'sources'>,
  partitions: readonly string[],
): boolean {
  return partitions.every((one) => next[one] !== undefined) && sources.every(({ done }) => done)
}

/**
 * Measures a generation that is complete, and calls it ready or failed.
 *
 * @returns The generation after it; unchanged as long as it is not complete.
 */
export async function judgeGeneration(
  all: Generations,
  generation: Generation,
  checks: GenerationChecks,
): Promise<Generation> {
  const { partitions, minCoverage, minRecall } = checks
  if (generation.state !== 'building' || !isComplete(generation, partitions)) return generation
  const coverage = coverageOf(generation)
  if (coverage < minCoverage) {
    const missing = generation.sources.reduce((sum, { done }) => sum + (done?.missing ?? 0), 0)
    const reason = `expected ${percent(minCoverage)} of the pictures, got ${percent(coverage)}: ${missing} are missing or do not decode`
    return failGeneration(all, generation.id, reason, { coverage })
  }
  const recall = await checks.recall(generation).catch((error: unknown) => {
    if (error instanceof ArtifactError) return error
    throw error
  })
  if (recall instanceof ArtifactError) return failGeneration(all, generation.id, recall.message)
  if (recall < minRecall) {
    const reason = `expected the index to find ${percent(minRecall)} of the true neighbours, it finds ${percent(recall)}`
    return failGeneration(all, generation.id, reason, { coverage, recall })
  }
  return all.update(generation.id, (present) =>
    present.state === 'building' && isComplete(present, partitions)
      ? { ...present, state: 'ready', coverage, recall }
      : undefined,
  )
}

/** Gives a generation up that is not in service. */
export function failGeneration(
  all: Generations,
  id: string,
  reason: string,
  measured: Pick<Generation, 'coverage' | 'recall'> = {},
): Promise<Generation> {
  return all.update(id, (present) =>
    present.state === 'failed' ? undefined : { ...present, ...measured, state: 'failed', reason },
  )
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
