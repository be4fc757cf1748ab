import { BusyError, type PipelineError } from '../errors.ts'
import type { ChannelState } from '../registry/channel-document.ts'
import type { Registry } from '../registry/registry.ts'
import type { ExactIndex } from '../search/exact-index.ts'
import { type Generation, generationSize } from '../search/generation.ts'
import { generations } from '../search/generations.ts'
import { loadGeneration } from '../search/load-generation.ts'
import { erasedIds } from '../service/erasures.ts'
import { type ServedModel, servedModel } from '../service/served-model.ts'

/** A model and its index, in this process. */
export interface StableRelease {
  /** Counter of the move of `stable` that named it. */
  readonly seq: number
  readonly model: ServedModel
  readonly generation: string | undefined
  /** The index; why there is none, where there is none. */
  readonly index: ExactIndex | BusyError
  /** How similarities become probabilities that two pictures are of a kind, if that is known. */
  readonly calibration: { readonly alpha: number; readonly beta: number } | undefined
}

/** Follows `stable`, without anything running between two requests. */
export interface StableReleases {
  /**
   * The release to answer from. A request that finds a new one waits while it is loaded, beside
   * the old one; if it cannot be loaded, the old one answers.
   *
   * @throws {@link BusyError}, retryable, if there is none yet; what the first one fails with.
   */
  current(): Promise<StableRelease>
}

/** Settings of {@link stableReleases}. */
export interface StableReleasesOptions {
  /** Least time between two looks at the channel, ms. Default 30,000. */
  readonly lookEveryMs?: number
  /** Vectors of an index at most, bytes; they are held twice. Default 1 GiB. */
  readonly maxIndexBytes?: number
  /** A clock that only rises, ms. Default `performance.now`. */
  readonly now?: () => number
}

/** Defaults of {@link StableReleasesOptions}. */
export const defaultStableReleasesOptions: Required<StableReleasesOptions> = {
  lookEveryMs: 30_000,
  maxIndexBytes: 2 ** 30,
  now: () => performance.now(),
}

/** {@link StableReleases} of a registry, on the engine of this process. */
export function stableReleases(
  registry: Registry,
  options: StableReleasesOptions = {},
): StableReleases {
  const { lookEveryMs, maxIndexBytes, now } = { ...defaultStableReleasesOptions, ...options }
  const { documents, blobs } = registry
  let held: StableRelease | undefined
  let lookedAt = Number.NEGATIVE_INFINITY
  /** A move whose release does not load: it is not tried again. */
  let bad: { readonly seq: number; readonly error: unknown } | undefined
  let looking: Promise<void> | undefined

  async function indexOf(state: ChannelState): Promise<ExactIndex | BusyError> {
    const { generation: id, version } = state
    const generation = id === undefined ? undefined : await generations(documents).read(id)
    if (generation === undefined) {
      return new BusyError(`search: expected an index of ${version}, there is none yet`, {
        reason: 'no-index',
        retryable: true,
      })
    }
    const bytes = generationSize(generation) * generation.dim * 4
    if (bytes > maxIndexBytes) return tooLarge(generation, bytes, maxIndexBytes)
    const index = await loadGeneration(blobs, generation)
    index.mask(await erasedIds(documents))
    return index
  }

  async function load(state: ChannelState): Promise<StableRelease> {
    const model = await servedModel(registry, state.version)
    try {
      const { alpha, beta } = (await registry.manifest(state.manifest)).calibration ?? {}
      const isKnown = typeof alpha === 'number' && typeof beta === 'number'
      return {
        seq: state.seq,
        model,
        generation: state.generation,
        index: await indexOf(state),
        calibration: isKnown ? { alpha, beta } : undefined,
      }
    } catch (error) {
      model.dispose()
      throw error
    }
  }

  async function look(): Promise<void> {
    const state = await registry.stable.read()
    lookedAt = now()
    const seen = Math.max(held?.seq ?? 0, bad?.seq ?? 0)
    if (state === undefined || state.seq <= seen) return
    try {
      const next = await load(state)
      if (held !== undefined) dispose(held)
      held = next
      bad = undefined
    } catch (error) {
      // A store that is out of order says nothing against the release: the next look tries again.
      if (!(error as PipelineError).retryable) bad = { seq: state.seq, error }
      if (held === undefined) throw error
    }
  }

  return {
    current: async () => {
      if (now() - lookedAt >= lookEveryMs || held === undefined) {
        looking ??= look().finally(() => {
          looking = undefined
        })
        await looking
      }
      if (held !== undefined) return held
      if (bad !== undefined) throw bad.error
      throw new BusyError('stable: expected a published version, there is none yet', {
        reason: 'no-release',
        retryable: true,
      })
    },
  }
}

function dispose({ model, index }: StableRelease): void {
  model.dispose()
  if ('dispose' in index) index.dispose()
}

function tooLarge({ id }: Generation, bytes: number, limit: number): BusyError {
  const message = `search: expected at most ${limit} bytes of vectors, ${id} has ${bytes}`
  return new BusyError(`${message}; ask the service serve, which holds it`, {
    reason: 'index-size',
    limit,
    got: bytes,
  })
}
