import { ShapeError } from '../errors.ts'

/** A centroid that follows what comes in. */
export interface TrackedCentroid {
  /** Unit vector, shape [dim]. */
  readonly centroid: Float32Array
  /** Members it stands for; older ones count less, so not an integer. */
  readonly count: number
}

/** How fast a centroid follows. */
export interface TrackOptions {
  /** Updates after which a member counts half, > 0. Default 50. */
  readonly halfLife?: number
}

/** Defaults of {@link TrackOptions}. */
export const defaultTrackOptions: Required<TrackOptions> = { halfLife: 50 }

/**
 * A centroid after new members joined: the unit mean of old and new, older ones faded.
 *
 * For display, quotas and drift; labels to train on come from a full clustering.
 *
 * @param tracked - The centroid so far.
 * @param members - New members, each of shape [dim], in the space of the centroid; may be empty.
 * @param options - See {@link TrackOptions}.
 * @returns The next state; the input is not changed.
 * @throws {@link ShapeError} if a member has another dim.
 */
export function trackCentroid(
  tracked: TrackedCentroid,
  members: readonly Float32Array[],
  options: TrackOptions = {},
): TrackedCentroid {
  const { halfLife } = { ...defaultTrackOptions, ...options }
  const kept = 2 ** (-1 / halfLife) * tracked.count
  const sum = Float64Array.from(tracked.centroid, (value) => kept * value)
  for (const member of members) {
    if (member.length !== sum.length) {
      const shapes = `[${sum.length}], got [${member.length}]`
      throw new ShapeError(`trackCentroid: members must have shape ${shapes}`)
    }
    for (let j = 0; j < sum.length; j += 1) sum[j] = (sum[j] as number) + (member[j] as number)
  }
  const norm = Math.hypot(...sum)
  // Members that cancel the centroid out leave no direction: it stays where it is.
  const centroid = norm > 1e-6 ? Float32Array.from(sum, (value) => value / norm) : tracked.centroid
  return { centroid, count: kept + members.length }
}
