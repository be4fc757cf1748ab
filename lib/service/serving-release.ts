import type { Matrix } from '../engine/matrix.ts'
import { BusyError } from '../errors.ts'
import type { Preprocessing } from '../image/options.ts'
import type { Neighbour, Stamp, StampedVectors } from '../search/types.ts'

/**
 * A model and the index made with it, loaded and warm. Its tensors live in a thread of its own;
 * nothing here computes on the caller's.
 */
export interface ServingRelease extends Stamp {
  /** Counter of the move of `stable` that named it; answers never go back to a lower one. */
  readonly seq: number
  /** Id of the index generation; absent while none is built: then `search` is refused. */
  readonly generation: string | undefined
  /** How decoded pictures must look. */
  readonly preprocessing: Preprocessing
  /** Length of a vector. */
  readonly dim: number
  /** Vectors in the index now. */
  readonly size: number
  /**
   * Vectors of decoded pictures.
   *
   * @param pixels - Shape [n, size, size, channels] of `preprocessing`, one after another.
   * @returns Unit rows, shape [n, dim].
   */
  embed(pixels: Uint8Array): Promise<Matrix>
  /**
   * The most similar pictures of each query, nearest first; exact. Ties go to the smaller id.
   *
   * @param queries - Unit rows, shape [n, dim], with what they were made by.
   * @param k - Neighbours of each query, ≥ 1; fewer come back where the index holds fewer.
   * @throws {@link VersionMismatchError} if they were made with another model or preprocessing;
   * {@link BusyError}, retryable, if this release has no index yet.
   */
  search(queries: StampedVectors, k: number): Promise<readonly (readonly Neighbour[])[]>
}

/** A release that could not be loaded, and is not tried again. */
export interface BadRelease {
  readonly version: string
  readonly generation: string | undefined
  /** Why, in one sentence. */
  readonly reason: string
}

/** What serves now, and how long requests may hold it. */
export interface ServingReleases {
  /** What the next request gets; absent until the first release is loaded. */
  readonly current: ServingRelease | undefined
  /** Releases that failed to load. */
  readonly bad: readonly BadRelease[]
  /**
   * Runs a request on the release in service. The release stays until the request has ended, even
   * if another one takes over meanwhile.
   *
   * @throws {@link BusyError}, retryable, if nothing is loaded yet.
   */
  use<T>(request: (release: ServingRelease) => Promise<T>): Promise<T>
}

/** Holds one release at a time, and disposes of the one before when its last request has ended. */
export interface ReleaseHolder extends Omit<ServingReleases, 'bad'> {
  /**
   * Puts another release in service by swapping one reference.
   *
   * @returns Resolves when the one before is drained and disposed of.
   */
  swap(next: LoadedRelease): Promise<void>
  /** Resolves when the release in service is drained and disposed of. */
  close(): Promise<void>
}

/** A release that somebody has to end. */
export interface LoadedRelease extends ServingRelease {
  dispose(): Promise<void>
}

interface Held {
  readonly release: LoadedRelease
  requests: number
  /** Called when the last request ends, once it is out of service. */
  drained?: () => void
}

/** A {@link ReleaseHolder} that holds nothing yet. */
export function releaseHolder(): ReleaseHolder {
  let held: Held | undefined

  const retire = async (old: Held | undefined): Promise<void> => {
    if (old === undefined) return
    if (old.requests > 0) {
      await new Promise<void>((resolve) => {
        old.drained = resolve
      })
    }
    await old.release.dispose()
  }

  return {
    get current() {
      return held?.release
    },
    use: async (request) => {
      const mine = held
      if (mine === undefined) {
        throw new BusyError('release: expected a loaded model, there is none yet', {
          retryable: true,
        })
      }
      mine.requests += 1
      try {
        return await request(mine.release)
      } finally {
        mine.requests -= 1
        if (mine.requests === 0) mine.drained?.()
      }
    },
    swap: (next) => {
      const old = held
      held = { release: next, requests: 0 }
      return retire(old)
    },
    close: () => {
      const old = held
      held = undefined
      return retire(old)
    },
  }
}
