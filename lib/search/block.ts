import type { Matrix } from '../engine/matrix.ts'
import { ArtifactError, ShapeError } from '../errors.ts'
import { blockRows } from './options.ts'

/** Vectors of some pictures, as they are stored. Which model made them, its generation says. */
export interface Block {
  /** Image id of each row; none twice. */
  readonly ids: readonly string[]
  /** When each picture arrived, ms since 1970. */
  readonly times: Float64Array
  /** Unit rows, shape [rows, dim]. */
  readonly vectors: Matrix
}

/** First bytes of a block: `CSVB`, little-endian like everything in it. */
const magic = 0x42565343
const format = 1
const headerBytes = 16
const idBytes = 32
const maxDim = 65_536

/**
 * Size of a stored block. Its layout: magic, format, rows, dim (uint32 each); ids (32 bytes each);
 * times (float64 each); vectors, row by row (float32 each).
 */
export function blockBytes(rows: number, dim: number): number {
  return headerBytes + rows * (idBytes + 8 + 4 * dim)
}

/** Bytes of a block. @throws {@link ShapeError} if its parts do not fit, or it has too many rows. */
export function encodeBlock({ ids, times, vectors }: Block): Uint8Array {
  const { rows, dim, data } = vectors
  const fits = rows <= blockRows && ids.length === rows && times.length === rows
  if (!fits || data.length !== rows * dim) {
    throw new ShapeError(
      `encodeBlock: expected at most ${blockRows} ids, times and vectors alike, got ${ids.length}, ${times.length} and [${rows}, ${dim}]`,
    )
  }
  const bytes = new Uint8Array(blockBytes(rows, dim))
  new Uint32Array(bytes.buffer, 0, 4).set([magic, format, rows, dim])
  for (const [row, id] of ids.entries()) {
    bytes.set(Buffer.from(id, 'hex'), headerBytes + row * idBytes)
  }
  const timesAt = headerBytes + rows * idBytes
  new Float64Array(bytes.buffer, timesAt, rows).set(times)
  new Float32Array(bytes.buffer, timesAt + 8 * rows, rows * dim).set(data)
  return bytes
}

/**
 * Reads a stored block, which nothing is believed of.
 *
 * @throws {@link ArtifactError} if it is of another format or size, an id is there twice, or a
 * number is not finite.
 */
export function decodeBlock(bytes: Uint8Array): Block {
  // A copy: the bytes may lie anywhere in a larger buffer, numbers must be aligned.
  const buffer = Uint8Array.from(bytes).buffer
  if (bytes.length < headerBytes) throw unlike(`${headerBytes} bytes or more`, bytes.length)
  const [mark, written, rows = 0, dim = 0] = new Uint32Array(buffer, 0, 4)
  if (mark !== magic) throw unlike('a block', 'other bytes')
  if (written !== format) throw unlike(`format ${format}`, `format ${written}`)
  if (rows > blockRows || dim < 1 || dim > maxDim) {
    throw unlike(`at most ${blockRows} rows of 1 to ${maxDim} numbers`, `[${rows}, ${dim}]`)
  }
  if (bytes.length !== blockBytes(rows, dim)) {
    throw unlike(`${blockBytes(rows, dim)} bytes for [${rows}, ${dim}]`, bytes.length)
  }
  const timesAt = headerBytes + rows * idBytes
  const hex = Buffer.from(buffer, headerBytes, rows * idBytes).toString('hex')
  const ids = Array.from({ length: rows }, (_, row) =>
    hex.slice(2 * idBytes * row, 2 * idBytes * (row + 1)),
  )
  if (new Set(ids).size !== rows) throw unlike('each id once', 'one that is there twice')
  const times = new Float64Array(buffer, timesAt, rows)
  const data = new Float32Array(buffer, timesAt + 8 * rows, rows * dim)
  if (!times.every(Number.isFinite) || !data.every(Number.isFinite)) {
    throw unlike('finite numbers', 'one that is not')
  }
  return { ids, times, vectors: { rows, dim, data } }
}

function unlike(expected: string, got: string | number): ArtifactError {
  return new ArtifactError(`block: expected ${expected}, got ${got}`)
}
