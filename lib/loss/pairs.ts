import { type Tensor2D, tf } from '../engine/tf.ts'
import { ShapeError } from '../errors.ts'

/** Settings of {@link pairMasks}. */
export interface PairMasksOptions {
  /**
   * Duplicate group of each reference, length refs; negative: in none. Two rows of one group
   * under different labels are ignored: neither positive nor negative.
   */
  readonly ignored?: Int32Array
  /** Pseudo-labels of rows appended to the references. Absent: none are. */
  readonly appended?: Int32Array
}

/** Which pairs of a batch are positive and which negative; the caller disposes both. */
export interface PairMasks {
  /** 1 where the pair is positive, else 0, float32, shape [batch, refs]. */
  readonly positives: Tensor2D
  /** 1 where the pair is negative, else 0, float32, shape [batch, refs]. */
  readonly negatives: Tensor2D
}

/**
 * Masks of the pairs of a batch, from its pseudo-labels.
 *
 * The pair of a row with itself is removed by index, so that exact duplicates stay pairs. A row
 * with a negative label belongs to no cluster and is in no pair.
 *
 * @param labels - Pseudo-label of each row of the batch, length batch.
 * @throws {@link ShapeError} if `ignored` has another length than the references.
 */
export function pairMasks(labels: Int32Array, options: PairMasksOptions = {}): PairMasks {
  const batch = labels.length
  const refLabels = Int32Array.from([...labels, ...(options.appended ?? [])])
  const refs = refLabels.length
  const groups = options.ignored ?? new Int32Array(refs).fill(-1)
  if (groups.length !== refs) {
    throw new ShapeError(`pairMasks: ignored must have length ${refs}, got ${groups.length}`)
  }
  const positives = new Float32Array(batch * refs)
  const negatives = new Float32Array(batch * refs)
  for (let i = 0; i < batch; i += 1) {
    const label = refLabels[i] as number
    const group = groups[i] as number
    for (let j = 0; j < refs; j += 1) {
      const other = refLabels[j] as number
      if (i === j || label < 0 || other < 0) continue
      if (label === other) positives[i * refs + j] = 1
      else if (group < 0 || group !== groups[j]) negatives[i * refs + j] = 1
    }
  }
  return {
    positives: tf.tensor2d(positives, [batch, refs]),
    negatives: tf.tensor2d(negatives, [batch, refs]),
  }
}
