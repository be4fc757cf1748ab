import { type Placed, placeRows } from '../cluster/place.ts'
import { trustImages } from '../cluster/trust.ts'
import type { Matrix } from '../engine/matrix.ts'
import { type Calibration, calibrate, pairSimilarities } from '../metric/calibration.ts'
import { centreRows } from '../metric/centre.ts'
import { silhouette } from '../metric/silhouette.ts'
import { embedMatrix } from '../model/encoder.ts'
import type { LabelledProbe } from './labelled.ts'
import { chunks, type Pictures } from './pictures.ts'
import type { GateModel } from './signals.ts'

/** What the cosines of a model mean, and where that was read from. */
export interface PublishedCalibration extends Calibration {
  /** `pseudo`: clusters of the model itself, to which it is biased; `labelled`: the user's classes. */
  readonly source: 'pseudo' | 'labelled'
  /** Pictures that the pairs were made of. */
  readonly pictures: number
}

/** What is looked at, and never decides. */
export interface Watched {
  /**
   * On held-out pictures: `silhouette` of the candidate's clusters, `uniformity` = ln mean
   * exp(−2 · squared distance), `alignment` = mean squared distance of a picture and an altered view.
   */
  readonly figures: Readonly<Record<string, number>>
  readonly calibration: PublishedCalibration | undefined
}

/** A candidate with its clusters, in the published space. */
export interface WatchedModel extends GateModel {
  /** Unit rows, shape [clusters, dim]. */
  readonly centroids: Matrix
}

const meanOf = (values: Float32Array, of: (value: number) => number): number =>
  values.reduce((sum, value) => sum + of(value), 0) / values.length

function rowsOf({ dim, data }: Matrix, rows: readonly number[]): Matrix {
  const chosen = new Float32Array(rows.length * dim)
  for (const [to, row] of rows.entries()) {
    chosen.set(data.subarray(row * dim, (row + 1) * dim), to * dim)
  }
  return { rows: rows.length, dim, data: chosen }
}

/** Mean squared distance of the rows of two matrices of unit rows. */
function alignment(a: Matrix, b: Matrix): number {
  let product = 0
  for (const [i, value] of a.data.entries()) product += value * (b.data[i] as number)
  return 2 - (2 * product) / a.rows
}

async function calibrated(
  vectors: Matrix,
  labels: Int32Array,
  source: PublishedCalibration['source'],
): Promise<PublishedCalibration | undefined> {
  const fitted = calibrate(await pairSimilarities(vectors, labels))
  return fitted && { ...fitted, source, pictures: vectors.rows }
}

/** Pseudo-labels of those held-out pictures that sit clearly in a cluster. */
function trustedRows(placed: Placed, k: number, marginDrop: number): readonly number[] {
  const counts = new Int32Array(k)
  for (const label of placed.labels) counts[label] = (counts[label] as number) + 1
  const trusted = trustImages({ ...placed, k, counts, minSize: 1 }, { marginDrop })
  return [...trusted.keys()].filter((row) => trusted[row] === 1)
}

/**
 * Watches a candidate on pictures that it was not trained on.
 *
 * @param ids - Held-out pictures; with fewer than two there is nothing to see.
 * @param marginDrop - Share of pictures with the smallest margin that is not trusted.
 * @see `method.md` §8, §9.
 */
export async function watchCandidate(
  model: WatchedModel,
  pictures: Pictures,
  ids: readonly string[],
  marginDrop: number,
  labelled?: LabelledProbe,
): Promise<Watched> {
  const { network, mean, centroids } = model
  const embed = async (some: readonly string[]) =>
    centreRows(await pictures.embed(network, some), mean).matrix
  const onLabels =
    labelled && (await calibrated(await embed(labelled.ids), labelled.classes, 'labelled'))
  if (ids.length < 2) return { figures: {}, calibration: onLabels }
  const vectors = await embed(ids)
  async function* altered() {
    for (const some of chunks(ids)) yield await pictures.hard(some, 0)
  }
  const views = await embedMatrix(network, altered(), { mean })
  const placed = await placeRows(vectors, centroids)
  const together = new Int32Array(ids.length)
  const { same: cosines } = await pairSimilarities(vectors, together)
  const figures = {
    silhouette: silhouette(vectors, placed.labels),
    uniformity: Math.log(meanOf(cosines, (cosine) => Math.exp(-2 * (2 - 2 * cosine)))),
    alignment: alignment(vectors, views),
  }
  if (onLabels !== undefined) return { figures, calibration: onLabels }
  const rows = trustedRows(placed, centroids.rows, marginDrop)
  const labels = Int32Array.from(rows, (row) => placed.labels[row] as number)
  return { figures, calibration: await calibrated(rowsOf(vectors, rows), labels, 'pseudo') }
}
