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
 * right. {@link lookAlike} compares two.
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

/** Bits set in a number of 32 bits: neighbouring counts are added, 2, 4 and 8 bits wide. */
function bitsSet(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555)
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** A hash as two numbers of 32 bits: windows of thousands are searched for each picture. */
const halves = (hash: string): readonly [number, number] => [
  Number.parseInt(hash.slice(0, -8) || '0', 16),
  Number.parseInt(hash.slice(-8), 16),
]

/** Share of the bits set in either hash that may differ: 4 of the 32 or so of a photograph. */
const largestShare = 1 / 8

/**
 * Whether two difference hashes are those of near-duplicates.
 *
 * They differ in few bits, and in few of those that are set in either: two drawings on empty paper
 * agree in most places because neither has anything there, which says nothing.
 *
 * @param maxHamming - Largest number of bits in which they may differ, 0–64.
 */
export function lookAlike(a: string, b: string, maxHamming: number): boolean {
  const [aHigh, aLow] = halves(a)
  const [bHigh, bLow] = halves(b)
  const different = bitsSet(aHigh ^ bHigh) + bitsSet(aLow ^ bLow)
  if (different > maxHamming) return false
  return different <= largestShare * (bitsSet(aHigh | bHigh) + bitsSet(aLow | bLow))
}
