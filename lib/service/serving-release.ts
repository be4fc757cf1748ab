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

/** A release that somebody has to end. */
export interface LoadedRelease extends ServingRelease {
  dispose(): Promise<void>
}

/** A loaded release, and the requests that are under way on it. */
export interface HeldRelease<Release extends LoadedRelease = LoadedRelease> {
  readonly release: Release
  /** Runs a request on it. */
  use<T>(request: (release: ServingRelease) => Promise<T>): Promise<T>
  /** Disposes of it once its last request has ended; to be called when no more can come. */
  retire(): Promise<void>
}

/** Holds one release at a time. */
export interface ReleaseHolder<Release extends LoadedRelease = LoadedRelease>
  extends Omit<ServingReleases, 'bad'> {
  readonly held: HeldRelease<Release> | undefined
  readonly current: Release | undefined
  /**
   * Puts another release in service, or none, by swapping one reference.
   *
   * @returns The one before, which the caller keeps or retires.
   */
  swap(next: HeldRelease<Release> | undefined): HeldRelease<Release> | undefined
}

/** A release that no request is under way on yet. */
export function heldRelease<Release extends LoadedRelease>(release: Release): HeldRelease<Release> {
  let requests = 0
  let drained: () => void = () => undefined
  return {
    release,
    use: async (request) => {
      requests += 1
      try {
        return await request(release)
      } finally {
        requests -= 1
        if (requests === 0) drained()
      }
    },
    retire: async () => {
      if (requests > 0) {
        await new Promise<void>((resolve) => {
          drained = resolve
        })
      }
      await release.dispose()
    },
  }
}

/** A {@link ReleaseHolder} that holds nothing yet. */
export function releaseHolder<
  Release extends LoadedRelease = LoadedRelease,
>(): ReleaseHolder<Release> {
  let held: HeldRelease<Release> | undefined
  return {
    get held() {
      return held
    },
    get current() {
      return held?.release
    },
    use: async (request) => {
      if (held !== undefined) return held.use(request)
      throw new BusyError('release: expected a loaded model, there is none yet', {
        retryable: true,
      })
    },
    swap: (next) => {
      const old = held
      held = next
      return old
    },
  }
}
