/** Spherical k-means as plain float64 loops: what the engine's is held against. */
import { unitRow } from './blobs.ts'

type Rows = readonly (readonly number[])[]

/** Dot product. */
export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, j) => sum + value * (b[j] as number), 0)
}

/** Index of the most similar centroid of each row, ties to the lowest. */
export function assignByLoop(rows: Rows, centroids: Rows): number[] {
  return rows.map((row) => {
    let best = 0
    for (let c = 1; c < centroids.length; c += 1) {
      const isCloser = dot(row, centroids[c] as number[]) > dot(row, centroids[best] as number[])
      if (isCloser) best = c
    }
    return best
  })
}

/** Unit mean of each cluster's members; an empty cluster keeps its centroid. */
export function meansByLoop(rows: Rows, labels: ArrayLike<number>, centroids: Rows): number[][] {
  return centroids.map((before, c) => {
    const members = rows.filter((_, i) => labels[i] === c)
    if (members.length === 0) return [...before]
    return unitRow(before.map((_, j) => members.reduce((sum, row) => sum + (row[j] as number), 0)))
  })
}

/** Sum of squared distances of the rows to the centroids of their clusters. */
export function inertiaByLoop(rows: Rows, labels: ArrayLike<number>, centroids: Rows): number {
  return rows.reduce((sum, row, i) => {
    const centroid = centroids[labels[i] as number] as number[]
    return (
      sum + row.reduce((square, value, j) => square + (value - (centroid[j] as number)) ** 2, 0)
    )
  }, 0)
}

/** Lloyd's iterations from given centroids. */
export function kMeansByLoop(rows: Rows, start: Rows, iterations: number) {
  let centroids = start.map((row) => [...row])
  let labels: number[] = []
  for (let i = 0; i < iterations; i += 1) {
    labels = assignByLoop(rows, centroids)
    centroids = meansByLoop(rows, labels, centroids)
  }
  return { labels, centroids, inertia: inertiaByLoop(rows, labels, centroids) }
}
