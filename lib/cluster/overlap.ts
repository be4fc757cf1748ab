import type { Matrix } from '../engine/matrix.ts'
import { ShapeError } from '../errors.ts'

/** A clustering of images that have names. */
interface Named {
  readonly ids: readonly string[]
  readonly labels: Int32Array
  readonly centroids: Matrix
}

/** How two clusterings share their images. */
export interface Overlap {
  /** Images in both clusterings. */
  readonly present: number
  /** For each old cluster, images shared with each new one; without the zeros. */
  readonly shared: readonly ReadonlyMap<number, number>[]
  /** Images of each cluster, all of them. */
  readonly sizesBefore: readonly number[]
  readonly sizesAfter: readonly number[]
  /** Images of each cluster that are in both clusterings. */
  readonly presentBefore: readonly number[]
  readonly presentAfter: readonly number[]
}

/** An old and a new cluster that may be the same one. */
export interface Candidate {
  readonly old: number
  readonly fresh: number
  /** 1 − ½·cosine − ½·Jaccard overlap. */
  readonly cost: number
}

/** Jaccard overlap from which two clusters may match. */
const leastOverlap = 0.3
/** Cosine of the centroids from which they may match where there is no evidence. */
const leastCosine = 0.8
/** Images of either cluster, in both clusterings, from which overlap is evidence. */
const evidence = 5

const add = (counts: number[], at: number): void => {
  counts[at] = (counts[at] as number) + 1
}

/**
 * Counts the images that old and new clusters share.
 *
 * @throws {@link ShapeError} if there is not one id a label.
 */
export function overlap(before: Named, after: Omit<Named, 'ids'>, ids: readonly string[]): Overlap {
  if (ids.length !== after.labels.length) {
    const got = `got [${ids.length}]`
    throw new ShapeError(`overlap: ids must have shape [${after.labels.length}], ${got}`)
  }
  const zeros = (length: number) => new Array<number>(length).fill(0)
  const shared = Array.from({ length: before.centroids.rows }, () => new Map<number, number>())
  const sizesBefore = zeros(before.centroids.rows)
  const presentBefore = zeros(before.centroids.rows)
  const sizesAfter = zeros(after.centroids.rows)
  const presentAfter = zeros(after.centroids.rows)
  const oldLabels = new Map(before.ids.map((id, i) => [id, before.labels[i] as number]))
  for (const label of before.labels) add(sizesBefore, label)
  let present = 0
  ids.forEach((id, i) => {
    const fresh = after.labels[i] as number
    add(sizesAfter, fresh)
    const old = oldLabels.get(id)
    if (old === undefined) return
    present += 1
    add(presentBefore, old)
    add(presentAfter, fresh)
    const row = shared[old] as Map<number, number>
    row.set(fresh, (row.get(fresh) ?? 0) + 1)
  })
  return { present, shared, sizesBefore, sizesAfter, presentBefore, presentAfter }
}

/** Cosine of two unit rows; 0 where the spaces differ in dim. */
function cosine(a: Matrix, i: number, b: Matrix, j: number): number {
  if (a.dim !== b.dim) return 0
  let sum = 0
  for (let x = 0; x < a.dim; x += 1) {
    sum += (a.data[i * a.dim + x] as number) * (b.data[j * b.dim + x] as number)
  }
  return sum
}

/**
 * Pairs of clusters that may be the same one: they overlap enough or, with fewer than 5 images to
 * judge by, their centroids are close.
 *
 * @param overlap - Shared images of the clusters.
 * @param before - Old centroids, unit rows.
 * @param after - New centroids, unit rows.
 */
export function candidates(overlap: Overlap, before: Matrix, after: Matrix): Candidate[] {
  const { shared, presentBefore, presentAfter } = overlap
  const found: Candidate[] = []
  const consider = (old: number, fresh: number): void => {
    const both = shared[old]?.get(fresh) ?? 0
    const either = (presentBefore[old] as number) + (presentAfter[fresh] as number) - both
    const jaccard = either === 0 ? 0 : both / either
    if (jaccard < leastOverlap && either >= evidence) return
    const similarity = cosine(before, old, after, fresh)
    if (jaccard < leastOverlap && similarity < leastCosine) return
    found.push({ old, fresh, cost: 1 - 0.5 * similarity - 0.5 * jaccard })
  }
  const rare = [...presentAfter.keys()].filter(
    (fresh) => (presentAfter[fresh] as number) < evidence,
  )
  shared.forEach((row, old) => {
    for (const fresh of row.keys()) consider(old, fresh)
    if ((presentBefore[old] as number) >= evidence) return
    for (const fresh of rare) if (!row.has(fresh)) consider(old, fresh)
  })
  return found
}
