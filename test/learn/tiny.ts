import { randomStream } from '../../lib/engine/random.ts'
import type { Preprocessing } from '../../lib/image/options.ts'
import { type Pictures, type PixelSource, picturesOf } from '../../lib/learn/pictures.ts'

/** Small grey pictures: conv4 takes nothing smaller. */
export const tinySize = 16

export const tinyPreprocessing: Preprocessing = {
  size: tinySize,
  channels: 'grey',
  background: '#808080',
  mean: [127.5],
  std: [127.5],
}

/** Name of a picture of a kind; its pixels follow from its name. */
export const tinyId = (kind: number, number: number): string => `${kind}-${number}`

/** A bright grating on noise; the kind decides its direction and width. */
function tinyPixels(id: string): Uint8Array {
  const [kind = 0] = id.split('-').map(Number)
  const random = randomStream(11, 'tiny', id)
  const angle = (kind * Math.PI) / 6
  const phase = 0.8 * random.uniform()
  const width = 0.7 + 0.25 * (kind % 3)
  return Uint8Array.from({ length: tinySize * tinySize }, (_, i) => {
    const [x, y] = [i % tinySize, Math.floor(i / tinySize)]
    const wave = Math.sin(width * (x * Math.cos(angle) + y * Math.sin(angle)) + phase)
    return Math.max(0, Math.min(255, 128 + 90 * wave + 20 * random.normal()))
  })
}

/** Pixels of any tiny picture. */
export const tinySource: PixelSource = {
  read: async (ids) => {
    const side = tinySize * tinySize
    const bytes = new Uint8Array(ids.length * side)
    for (const [i, id] of ids.entries()) bytes.set(tinyPixels(id), i * side)
    return bytes
  },
}

/** Tiny pictures as networks take them. */
export const tinyPictures = (seed = 1): Pictures =>
  picturesOf(tinySource, tinyPreprocessing, 'glyph', seed)

/** Names of `each` pictures of each of `kinds` kinds, one kind after the other. */
export function tinyIds(kinds: number, each: number, from = 0): string[] {
  return Array.from({ length: kinds * each }, (_, i) =>
    tinyId(Math.floor(i / each), from + (i % each)),
  )
}
