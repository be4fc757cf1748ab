import type { Generations } from '../search/generations.ts'
import type { GenerationLimits } from '../search/seal.ts'
import type { WorkingGeneration } from './embedder-generation.ts'
import type { EmbedderOptions, EmbedderParts } from './embedder-parts.ts'
import type { TailCounts } from './embedder-tail.ts'

/** What the parts of an embedder share. */
export interface EmbedderContext {
  readonly parts: EmbedderParts
  readonly options: Required<EmbedderOptions>
  readonly all: Generations
  /** The generations at work: first the one in service, then the one that is built. */
  working: { readonly served?: WorkingGeneration; readonly building?: WorkingGeneration }
  erased: ReadonlySet<string>
  readonly counts: TailCounts
  /** Runs what changes lanes or generations at work, one at a time; not to be nested. */
  exclusively<T>(work: () => Promise<T>): Promise<T>
}

/** The generations at work, the one in service first. */
export function workingOn({ working }: EmbedderContext): readonly WorkingGeneration[] {
  return [working.served, working.building].filter((one) => one !== undefined)
}

/** What generations may hold now. */
export function limitsOf({ parts, options }: EmbedderContext): GenerationLimits {
  const { maxVectors, retentionMs } = options
  return { maxVectors, expiresBefore: parts.now() - retentionMs }
}

/** Runs work one after another; work that fails does not stop what comes after. */
export function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let busy: Promise<unknown> = Promise.resolve()
  return (work) => {
    const result = busy.then(work)
    busy = result.catch(() => undefined)
    return result
  }
}
