import sharp from 'sharp'
import type { Random } from '../../lib/engine/random.ts'
import { glyphPicture, glyphSize } from '../../lib/service/demo-glyphs.ts'

const formats = ['jpeg', 'png', 'webp'] as const
const side = 64
/** 144 megapixels in less than half a megabyte. */
const bombSide = 12_000

/** What harm is done to a picture, each of them with equal odds. */
const harms = ['flips', 'cut', 'spliced', 'type', 'noise', 'nothing'] as const
/** One in so many is a decompression bomb. */
const bombEvery = 200

/** Pictures as the world sends them, and worse. */
export interface Hostile {
  /** @returns The bytes of one body. */
  next(random: Random): Uint8Array
}

const pick = <T>(random: Random, all: readonly T[]): T => all[random.integer(all.length)] as T

/** Up to eight bits changed, anywhere. */
function flipped(random: Random, picture: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(picture)
  for (let i = 0; i <= random.integer(8); i += 1) {
    const at = random.integer(bytes.length)
    bytes[at] = (bytes[at] as number) ^ (1 << random.integer(8))
  }
  return bytes
}

/** Generates pictures of every format once; harm is done to copies of them. */
export async function hostilePictures(seed: number): Promise<Hostile> {
  const drawn = Array.from({ length: 60 }, (_, number) =>
    sharp(glyphPicture(seed, number % 10, number), {
      raw: { width: glyphSize, height: glyphSize, channels: 3 },
    })
      .resize(side)
      .toFormat(formats[number % formats.length] as 'png')
      .toBuffer(),
  )
  const pictures = await Promise.all(drawn)
  const black = { width: bombSide, height: bombSide, channels: 3, background: '#000000' } as const
  const bomb = await sharp({ create: black, limitInputPixels: false }).png().toBuffer()
  return {
    next: (random) => {
      if (random.integer(bombEvery) === 0) return flipped(random, bomb)
      const picture = pick(random, pictures)
      const other = pick(random, pictures)
      const at = random.integer(picture.length)
      switch (pick(random, harms)) {
        case 'flips':
          return flipped(random, picture)
        case 'cut':
          return picture.subarray(0, at)
        case 'spliced':
          return Buffer.concat([
            picture.subarray(0, at),
            other.subarray(random.integer(other.length)),
          ])
        case 'type': // the first bytes of another format
          return Buffer.concat([other.subarray(0, 16), picture.subarray(16)])
        case 'noise':
          return Uint8Array.from({ length: 1 + random.integer(2_000) }, () => random.integer(256))
        case 'nothing':
          return picture
      }
    },
  }
}
