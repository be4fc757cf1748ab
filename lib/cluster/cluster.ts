import type { Matrix } from '../engine/matrix.ts'
import { type Tensor1D, type Tensor2D, tf } from '../engine/tf.ts'
import { InputError, ShapeError } from '../errors.ts'
import { assign } from './assign.ts'
import { carriedCentroids } from './carry.ts'
import { centre } from './centre.ts'
import type { Clustering, Fit } from './clustering.ts'
import { converge } from './converge.ts'
import { margins } from './margins.ts'
import { memberMeans } from './member-means.ts'
import { type ClusterOptions, defaultClusterOptions } from './options.ts'
import { defaultMinSize, type Repaired, repair } from './repair.ts'
import { sampleRows } from './sample-rows.ts'
import { seedCentroids } from './seeding.ts'

export type { Clustering } from './clustering.ts'

type Settings = ClusterOptions & typeof defaultClusterOptions

function expectOptions({ rows, dim, data }: Matrix, { k, initialLabels }: ClusterOptions): void {
  if (rows < 1 || data.length !== rows * dim) {
    const got = `[${rows}, ${dim}] of ${data.length} numbers`
    throw new ShapeError(`cluster: embeddings must have one row or more, got ${got}`)
  }
  if (!Number.isInteger(k) || k < 1) {
    throw new InputError(`cluster: k must be an integer ≥ 1, got ${k}`)
  }
  if (initialLabels && initialLabels.length !== rows) {
    const shapes = `[${rows}], got [${initialLabels.length}]`
    throw new ShapeError(`cluster: initialLabels must have shape ${shapes}`)
  }
}

/** Labels of all rows and the centroids that follow from them. */
async function settle(unit: Tensor2D, centroids: Tensor2D, settings: Settings): Promise<Fit> {
  const labels = assign(unit, centroids, settings)
  const means = memberMeans(unit, labels, centroids)
  const read = (await labels.data()) as Int32Array
  tf.dispose([labels, means.lengths])
  return { labels: read, centroids: means.centroids, iterations: 0 }
}

/** k-means from the given centroids, on a sample where there are very many rows. */
async function fitAll(unit: Tensor2D, start: Tensor2D, settings: Settings): Promise<Fit> {
  const size = settings.fitPerCluster * start.shape[1]
  const report = settings.report
  const sample = sampleRows(unit, size, settings.seed)
  try {
    const fitted = await converge(sample, start, settings, (progress) =>
      report?.({ phase: 'fit', ...progress }),
    )
    if (size >= unit.shape[0]) return fitted
    const all = await settle(unit, fitted.centroids, settings)
    fitted.centroids.dispose()
    return { ...all, iterations: fitted.iterations }
  } finally {
    sample.dispose()
  }
}

/** Fit and repair from the given centroids, which it disposes. */
async function fitAndRepair(
  unit: Tensor2D,
  start: Tensor2D,
  settings: Settings,
): Promise<Repaired & { iterations: number }> {
  const fitted = await fitAll(unit, start, settings).finally(() => start.dispose())
  try {
    await settings.report?.({ phase: 'repair' })
    const repaired = await repair(unit, fitted, settings)
    return { ...repaired, iterations: fitted.iterations }
  } finally {
    fitted.centroids.dispose()
  }
}

async function partition(
  unit: Tensor2D,
  settings: Settings,
): Promise<Repaired & { iterations: number }> {
  const carried = settings.initialLabels
    ? carriedCentroids(unit, settings.initialLabels, settings.k)
    : undefined
  if (carried) {
    const warm = await fitAndRepair(unit, carried, settings)
    const touched = warm.counts.dissolved + warm.counts.split
    if (touched <= settings.k / 2) return warm
    warm.centroids.dispose()
  }
  await settings.report?.({ phase: 'seed' })
  return fitAndRepair(unit, await seedCentroids(unit, settings.k, settings), settings)
}

/** Reads what is left to know about a partition. */
async function describe(
  unit: Tensor2D,
  { labels, centroids }: Repaired,
  settings: Settings,
): Promise<Pick<Clustering, 'k' | 'centroids' | 'counts' | 'similarity' | 'margin' | 'inertia'>> {
  const [dim, k] = centroids.shape
  const placed = tf.tensor1d(labels, 'int32')
  const fits = margins(unit, centroids, placed, settings)
  const rows = tf.transpose(centroids) // [k, dim]
  const tensors: [Tensor1D, Tensor1D, typeof rows] = [fits.similarity, fits.margin, rows]
  const [similarity, margin, data] = (await Promise.all(
    tensors.map((tensor) => tensor.data()),
  )) as [Float32Array, Float32Array, Float32Array]
  tf.dispose([placed, ...tensors])
  const counts = new Int32Array(k)
  for (const label of labels) counts[label] = (counts[label] as number) + 1
  const inertia = similarity.reduce((sum, cosine) => sum + Math.max(0, 2 - 2 * cosine), 0)
  return { k, centroids: { rows: k, dim, data }, counts, similarity, margin, inertia }
}

/**
 * Clusters images by their embeddings: centre, seed, spherical k-means, repair, measure.
 *
 * With `initialLabels` the assignment is carried over instead of seeding: each centroid starts as
 * the mean of its old members where these now lie. When repair then has to touch more than half
 * of the clusters, it starts again cold. The same input, options and engine give the same result.
 *
 * @param embeddings - Model output, shape [n, dim], n ≥ 1, not centred.
 * @param options - See {@link ClusterOptions}.
 * @returns See {@link Clustering}: every cluster in it is alive.
 * @throws {@link ShapeError} if the data do not fill the shape or labels and rows differ.
 * @throws {@link InputError} if k is no positive integer or a number is not finite; what `report`
 *   throws.
 */
export async function cluster(embeddings: Matrix, options: ClusterOptions): Promise<Clustering> {
  expectOptions(embeddings, options)
  const n = embeddings.rows
  const settings = { ...defaultClusterOptions, ...options, k: Math.min(options.k, n) }
  const minSize = settings.minSize ?? defaultMinSize(n, settings.k)
  const { unit, mean } = centre(embeddings)
  const rows = tf.tensor2d(unit.data, [n, unit.dim])
  try {
    const found = await partition(rows, { ...settings, minSize })
    try {
      await settings.report?.({ phase: 'measure' })
      const described = await describe(rows, found, settings)
      const { labels, iterations, counts: repaired } = found
      return { requested: options.k, labels, mean, iterations, minSize, repaired, ...described }
    } finally {
      found.centroids.dispose()
    }
  } finally {
    rows.dispose()
  }
}
