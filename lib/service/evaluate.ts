import { cluster } from '../cluster/cluster.ts'
import type { Matrix } from '../engine/matrix.ts'
import { centreRows } from '../metric/centre.ts'
import { meanNmi } from '../metric/nmi.ts'
import { retrieval } from '../metric/retrieval.ts'

/** Figures of an embedding on labelled pictures. */
export interface Figures {
  readonly recallAt1: number
  readonly recallAt2: number
  readonly recallAt4: number
  readonly recallAt8: number
  readonly mapAtR: number
  readonly rPrecision: number
  readonly nmi: number
}

const clusterings = 3

/**
 * Figures of vectors on true classes.
 *
 * @param vectors - Shape [n, dim]; compared by cosine.
 * @param labels - Class of each row, shape [n].
 */
export async function figuresOf(vectors: Matrix, labels: Int32Array): Promise<Figures> {
  const { recallAt, mapAtR, rPrecision } = await retrieval(vectors, labels)
  const k = new Set(labels).size
  const found: Int32Array[] = []
  for (let seed = 0; seed < clusterings; seed += 1) {
    found.push((await cluster(vectors, { k, seed, minSize: 1 })).labels)
  }
  const at = (k: number) => recallAt[k] ?? Number.NaN
  return {
    recallAt1: at(1),
    recallAt2: at(2),
    recallAt4: at(4),
    recallAt8: at(8),
    mapAtR,
    rPrecision,
    nmi: meanNmi(labels, found),
  }
}

/** Vectors of a model without a mean of its own: centred on that of these pictures. */
export function centred(vectors: Matrix): Matrix {
  return centreRows(vectors).matrix
}

/** Numbers for class names, in the order of their first appearance. */
export function classNumbers(names: readonly string[]): Int32Array {
  const numbers = new Map<string, number>()
  return Int32Array.from(names, (name) => {
    const number = numbers.get(name) ?? numbers.size
    numbers.set(name, number)
    return number
  })
}
