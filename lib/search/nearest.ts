import type { Neighbour } from './types.ts'

/** Rows to be ranked: their numbers, and where the engine has been, its similarities. */
export interface Scanned {
  readonly ids: readonly string[]
  /** Shape [ids, dim]. */
  readonly data: Float32Array
  /** Similarity of each row, as near as the engine comes; rows that are not to be found: −∞. */
  readonly similarities: Float32Array
}

/** Unit roundoff of float32. */
const roundoff = 2 ** -24

/**
 * How far two similarities of the engine may stand in the wrong order.
 *
 * Whatever the order in which it adds, an inner product in float32 is off by at most
 * dim · 2^-24 · |query| · |row|, in first order; rows have unit norm, nearly.
 */
function doubt(query: Float32Array): number {
  const norm = Math.sqrt(query.reduce((sum, value) => sum + value * value, 0))
  return 2 * 1.01 * query.length * roundoff * norm
}

/** Inner product of a query and a row, in float64. */
export function product(query: Float32Array, data: Float32Array, row: number): number {
  const start = row * query.length
  let sum = 0
  for (let i = 0; i < query.length; i += 1) {
    sum += (query[i] as number) * (data[start + i] as number)
  }
  return sum
}

/**
 * The rows most similar to a query, by their products in float64: nearest first, ties to the
 * smaller id.
 *
 * One pass keeps the rows that the engine's similarities do not rule out; only these few are
 * multiplied again.
 *
 * @param query - Shape [dim].
 * @param parts - Where to look.
 * @param k - How many at most, ≥ 1.
 */
export function nearest(
  query: Float32Array,
  parts: readonly Scanned[],
  k: number,
): readonly Neighbour[] {
  const slack = doubt(query)
  const best = new Float64Array(k).fill(Number.NEGATIVE_INFINITY) // falling
  const found: { readonly part: Scanned; readonly row: number; readonly similarity: number }[] = []
  let bar = -Number.MAX_VALUE // below every row, above what is not to be found
  for (const part of parts) {
    const { similarities } = part
    for (let row = 0; row < similarities.length; row += 1) {
      const similarity = similarities[row] as number
      if (similarity < bar) continue
      found.push({ part, row, similarity })
      if (similarity <= (best[k - 1] as number)) continue
      insert(best, similarity)
      bar = Math.max(bar, (best[k - 1] as number) - slack)
    }
  }
  return found
    .filter(({ similarity }) => similarity >= bar)
    .map(({ part, row }) => ({
      id: part.ids[row] as string,
      similarity: product(query, part.data, row),
    }))
    .sort((a, b) => b.similarity - a.similarity || (a.id < b.id ? -1 : 1))
    .slice(0, k)
}

/** Puts a value in its place among falling ones; the last leaves. */
function insert(falling: Float64Array, value: number): void {
  let place = falling.length - 1
  while (place > 0 && (falling[place - 1] as number) < value) place -= 1
  falling.copyWithin(place + 1, place, falling.length - 1)
  falling[place] = value
}
