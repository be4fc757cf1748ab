import { createHash } from 'node:crypto'
import type { Preprocessing } from './options.ts'

/** Changes whenever equal settings begin to give other pixels. */
const preprocessingFormat = 1

/** Grid whose neighbouring columns are compared: 8 × 8 bits. */
const columns = 9
const lines = 8
/** Smaller rises are compression noise on flat ground, levels of 0–255. */
const smallestRise = 1

/**
 * Image id of a picture: sha256 of its bytes, 64 lower-case hex characters.
 *
 * A re-encoded copy is another picture; {@link differenceHash} tells that they look alike.
 */
export function imageId(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/**
 * Names the way from a picture's bytes to a network's input: sha256 of the settings' canonical
 * JSON, 64 lower-case hex characters.
 *
 * Vectors with different hashes never meet.
 */
export function preprocessingHash(preprocessing: Preprocessing): string {
  const { background, channels, mean, size, std } = preprocessing
  const canonical = {
    background: background.toLowerCase(),
    channels,
    fit: 'cover',
    format: preprocessingFormat,
    kernel: 'lanczos3',
    mean,
    size,
    std,
  }
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex')
}

/** Brightness of one cell of the grid: the plain mean of its numbers. */
function cellMean(pixels: Uint8Array, size: number, cell: readonly [number, number]): number {
  const channels = pixels.length / (size * size)
  const [column, line] = cell
  const left = Math.floor((column * size) / columns)
  const right = Math.floor(((column + 1) * size) / columns)
  const top = Math.floor((line * size) / lines)
  const bottom = Math.floor(((line + 1) * size) / lines)
  let sum = 0
  for (let y = top; y < bottom; y += 1) {
    for (let i = (y * size + left) * channels; i < (y * size + right) * channels; i += 1) {
      sum += pixels[i] as number
    }
  }
  return sum / ((right - left) * (bottom - top) * channels)
}

/**
 * Difference hash: a bit for each of 8 × 8 places, set where the picture gets brighter to the
 * right. Near-duplicates differ in few bits ({@link hammingDistance}).
 *
 * @param pixels - Decoded picture, shape [size, size, channels], 0–255; size ≥ 9.
 * @param size - Side, pixels.
 * @returns 64 bits, 16 lower-case hex characters, row by row.
 */
export function differenceHash(pixels: Uint8Array, size: number): string {
  let bits = 0n
  for (let line = 0; line < lines; line += 1) {
    let last = cellMean(pixels, size, [0, line])
    for (let column = 1; column < columns; column += 1) {
      const next = cellMean(pixels, size, [column, line])
      bits = (bits << 1n) | (next > last + smallestRise ? 1n : 0n)
      last = next
    }
  }
  return bits.toString(16).padStart(16, '0')
}

/** Bits in which two difference hashes differ, 0–64. */
export function hammingDistance(a: string, b: string): number {
  let different = BigInt(`0x${a}`) ^ BigInt(`0x${b}`)
  let count = 0
  while (different > 0n) {
    different &= different - 1n
    count += 1
  }
  return count
}
