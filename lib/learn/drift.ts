import { randomStream } from '../engine/random.ts'
import type { DriftState } from './state.ts'

/** One false alarm in so many pictures is what the threshold is set for. */
const picturesPerFalseAlarm = 100_000
/** Resampled runs that set the threshold, and their length. */
const runs = 100
const runLength = 2_000

/** Deviation below which surprises differ by rounding alone: they say nothing of what is usual. */
const leastDeviation = 1e-4

/** 1 − best similarity of a unit row to the centroids, after centring; in [0, 2]. */
export function surprise(drift: Pick<DriftState, 'centroids' | 'mean'>, row: Float32Array): number {
  const { centroids, mean } = drift
  const centred = row.map((value, i) => value - (mean[i] as number))
  const norm = Math.hypot(...centred) || 1
  let best = -1
  for (let c = 0; c < centroids.rows; c += 1) {
    let sum = 0
    for (let i = 0; i < centroids.dim; i += 1) {
      sum += (centroids.data[c * centroids.dim + i] as number) * (centred[i] as number)
    }
    best = Math.max(best, sum / norm)
  }
  return 1 - best
}

/** One step of the running sum (CUSUM): grows while surprises exceed what is expected. */
const advance = (drift: Pick<DriftState, 'expected' | 'deviation'>, sum: number, e: number) =>
  Math.max(0, sum + e - drift.expected - drift.deviation / 2)

/**
 * The threshold whose crossing is as rare as one in 100,000 pictures.
 *
 * The largest sum of each resampled run is a maximum of independent stretches; its logarithm of
 * survival falls linearly, so that the quantile is reached by extrapolating the runs' mean.
 */
function calibrated(
  drift: Pick<DriftState, 'expected' | 'deviation'>,
  surprises: readonly number[],
  seed: number,
): number {
  const peaks = Array.from({ length: runs }, (_, run) => {
    const random = randomStream(seed, 'drift', run)
    let sum = 0
    let peak = 0
    for (let t = 0; t < runLength; t += 1) {
      sum = advance(drift, sum, surprises[random.integer(surprises.length)] as number)
      peak = Math.max(peak, sum)
    }
    return peak
  })
  const mean = peaks.reduce((total, peak) => total + peak, 0) / runs
  const spread = Math.sqrt(peaks.reduce((total, peak) => total + (peak - mean) ** 2, 0) / runs)
  const gumbelScale = (spread * Math.sqrt(6)) / Math.PI
  return mean + gumbelScale * Math.log(picturesPerFalseAlarm / runLength)
}

/**
 * A drift watch over a fresh reference clustering; blind where all reference pictures are alike.
 *
 * @param surprises - Surprise of reference pictures that the clustering was not fitted on.
 */
export function watchDrift(
  reference: Pick<DriftState, 'centroids' | 'mean'>,
  surprises: readonly number[],
  seed: number,
): DriftState {
  const expected = surprises.reduce((sum, e) => sum + e, 0) / surprises.length
  const variance = surprises.reduce((sum, e) => sum + (e - expected) ** 2, 0) / surprises.length
  const level = { expected, deviation: Math.sqrt(variance) }
  const isVaried = level.deviation >= leastDeviation
  const threshold = isVaried ? calibrated(level, surprises, seed) : 0 // which nothing exceeds
  return { ...reference, ...level, threshold, sum: 0 }
}

/** The watch after one more picture. */
export function observe(drift: DriftState, row: Float32Array): DriftState {
  return { ...drift, sum: advance(drift, drift.sum, surprise(drift, row)) }
}

/** Running sum over its threshold; above 1 the alarm sounds. */
export function driftRatio(drift: DriftState | undefined): number {
  return drift === undefined || drift.threshold <= 0 ? 0 : drift.sum / drift.threshold
}
