import type { Matrix } from '../engine/matrix.ts'
import { MissingError } from '../errors.ts'
import { heldOutPictures } from '../learn/held-out.ts'
import type { LearnerState } from '../learn/state.ts'
import { centreRows } from '../metric/centre.ts'
import type { Pipeline } from './open-pipeline.ts'
import type { ServedModel } from './served-model.ts'
import { storedPixels } from './stored-pixels.ts'

/** A kept picture that is like the one asked for. */
export interface Neighbour {
  readonly id: string
  /** Cosine of the centred vectors, in [−1, 1]. */
  readonly similarity: number
  readonly source: string
  /** Identity of its cluster; absent for held-out pictures and before the first round. */
  readonly cluster?: number
}

/** Rows one below the other. */
function stacked(parts: readonly Matrix[], dim: number): Matrix {
  const rows = parts.reduce((sum, part) => sum + part.rows, 0)
  const data = new Float32Array(rows * dim)
  let at = 0
  for (const part of parts) {
    data.set(part.data, at)
    at += part.data.length
  }
  return { rows, dim, data }
}

/**
 * Rows of the gallery by falling similarity to the query; equal ones in the gallery's order.
 *
 * @param query - Unit row, shape [1, dim].
 * @param gallery - Unit rows, shape [n, dim].
 */
export function nearestRows(
  query: Matrix,
  gallery: Matrix,
  k: number,
): readonly { readonly row: number; readonly similarity: number }[] {
  const { dim, data } = gallery
  const similarity = Float64Array.from({ length: gallery.rows }, (_, row) => {
    let sum = 0
    for (let i = 0; i < dim; i += 1) sum += (query.data[i] ?? 0) * (data[row * dim + i] ?? 0)
    return sum
  })
  return Array.from(similarity, (value, row) => ({ row, similarity: value }))
    .sort((a, b) => b.similarity - a.similarity || a.row - b.row)
    .slice(0, k)
}

/**
 * The kept pictures that are most like a picture: all of them are embedded and compared.
 *
 * @param pixels - The picture asked for, decoded as the model wants it.
 * @param k - Neighbours asked for, ≥ 1.
 * @param report - Told how many are embedded.
 * @throws {@link MissingError} if no picture is kept.
 */
export async function searchStored(
  { blobs, config }: Pipeline,
  state: LearnerState,
  model: ServedModel,
  pixels: Uint8Array,
  k: number,
  report: (done: number, total: number) => void = () => undefined,
): Promise<readonly Neighbour[]> {
  const kept = new Map(
    [...state.buffer.entries.values(), ...heldOutPictures(state.heldOut)].map((one) => [
      one.id,
      one,
    ]),
  )
  const ids: string[] = []
  const parts: Matrix[] = []
  for await (const run of storedPixels(blobs, config, model.preprocessing, [...kept.keys()])) {
    if (run.ids.length === 0) continue
    ids.push(...run.ids)
    parts.push(await model.embed(run.pixels))
    report(ids.length, kept.size)
  }
  if (ids.length === 0) throw new MissingError('search: expected kept pictures, there are none')
  const all = stacked(parts, model.dim)
  const query = await model.embed(pixels)
  // A model without a mean is compared as `eval` does it: centred on the pictures at hand.
  const centred = model.mean === undefined ? centreRows(all) : undefined
  const gallery = centred?.matrix ?? all
  const asked = centred === undefined ? query : centreRows(query, centred.mean).matrix
  return nearestRows(asked, gallery, k).map(({ row, similarity }) => {
    const id = ids[row] as string
    const cluster = state.buffer.entries.get(id)?.identity
    const source = kept.get(id)?.source ?? ''
    return { id, similarity, source, ...(cluster !== undefined && { cluster }) }
  })
}
