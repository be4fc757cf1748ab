import type { Matrix } from '../engine/matrix.ts'
import { randomStream } from '../engine/random.ts'
import type { LayersModel } from '../engine/tf.ts'
import { centreRows } from '../metric/centre.ts'
import { neighbourOverlap } from '../metric/neighbours.ts'
import { fitSpaceMap, mapResidual, rotateRows } from '../metric/space-map.ts'
import { rotated } from '../model/rotate.ts'
import { cloneNetwork } from '../model/weights.ts'

/** Pictures that the fold is fitted and measured on, at most. */
const fittedPictures = 10_000
const leastPictures = 20
/** Share of them that is left out of the fit, to measure on. */
const leftOut = 0.2

/** A candidate's space before the fold. */
export interface Unfolded {
  readonly network: LayersModel
  /** Embeddings of the round's pictures, shape [n, dim], unit rows, not centred. */
  readonly embeddings: Matrix
  /** Mean that its vectors are centred on, shape [dim]. */
  readonly mean: Float32Array
  /** Unit rows, shape [clusters, dim]. */
  readonly centroids: Matrix
}

/** How well the folded space lies on the champion's, on pictures left out of the fit. */
export interface FoldReport {
  /** Root mean squared distance of unit vectors after the fold, in [0, 2]. */
  readonly residual: number
  /** Mean top-10 neighbour overlap, [0, 1]. */
  readonly overlap: number
}

/** A candidate as it is published; `network` is a copy that the caller disposes. */
export interface Folded {
  readonly network: LayersModel
  readonly mean: Float32Array
  readonly centroids: Matrix
  readonly report: FoldReport | undefined
}

function picked({ dim, data }: Matrix, rows: readonly number[]): Matrix {
  const result = new Float32Array(rows.length * dim)
  for (const [to, from] of rows.entries()) {
    result.set(data.subarray(from * dim, (from + 1) * dim), to * dim)
  }
  return { rows: rows.length, dim, data: result }
}

/**
 * Turns a candidate's space onto the champion's, so that maps and successive spaces stay aligned.
 *
 * Cosines inside the space do not change; vectors of the two still never mix. Without a champion
 * of the same dimension the network is copied as it is.
 *
 * @see `method.md` §9: orthogonal Procrustes on centred vectors.
 */
export async function foldOnto(
  candidate: Unfolded,
  champion: { readonly embeddings: Matrix; readonly mean: Float32Array },
  seed: number,
): Promise<Folded> {
  const { network, embeddings, mean, centroids } = candidate
  const { dim, rows } = embeddings
  const fits = dim === champion.embeddings.dim && rows >= leastPictures
  if (!fits) {
    return { network: await cloneNetwork(network), mean, centroids, report: undefined }
  }
  const order = randomStream(seed, 'fold').shuffled(Array.from({ length: rows }, (_, row) => row))
  const some = order.slice(0, fittedPictures)
  const cut = Math.ceil(some.length * (1 - leftOut))
  const from = centreRows(embeddings, mean).matrix
  const to = centreRows(champion.embeddings, champion.mean).matrix
  const fitted = some.slice(0, cut)
  const measured = some.slice(cut)
  const { rotation } = fitSpaceMap(picked(from, fitted), picked(to, fitted))
  const before = picked(from, measured)
  const after = picked(to, measured)
  return {
    network: await rotated(network, rotation),
    mean: rotateRows({ rows: 1, dim, data: mean }, rotation).data,
    centroids: rotateRows(centroids, rotation),
    report: {
      residual: Math.sqrt(mapResidual(rotation, before, after)),
      overlap: await neighbourOverlap(before, after),
    },
  }
}
