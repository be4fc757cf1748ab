import { describe, expect, it } from 'vitest'
import { randomStream } from '../../lib/engine/random.ts'
import { decodeImage } from '../../lib/image/decode.ts'
import {
  differenceHash,
  imageId,
  lookAlike,
  preprocessingHash,
} from '../../lib/image/fingerprint.ts'
import { defaultImageLimits, defaultPreprocessing } from '../../lib/image/options.ts'
import { picture } from '../fixtures/image/pictures.ts'

describe('imageId', () => {
  it('is the sha256 of the bytes', () => {
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    expect(imageId(Buffer.from('abc'))).toBe(abc)
  })
})

describe('preprocessingHash', () => {
  const base = preprocessingHash(defaultPreprocessing)

  it('is pinned: vectors made before stay comparable', () => {
    expect(base).toBe('0434f0a04ded163565ddd958efce712ac3d05db5e4954bfc157c6b925ee4c7de')
  })

  it('does not depend on the order of the settings or the case of the colour', () => {
    const { size, ...others } = defaultPreprocessing
    const same = { ...others, size, background: '#808080'.toUpperCase() }
    expect(preprocessingHash(same)).toBe(base)
  })

  it.each([
    { size: 29 },
    { channels: 'grey' as const },
    { background: '#000000' },
    { mean: [1, 2, 3] },
    { std: [1, 2, 3] },
  ])('changes with %o', (change) => {
    expect(preprocessingHash({ ...defaultPreprocessing, ...change })).not.toBe(base)
  })
})

describe('differenceHash', () => {
  const ramp = (value: (x: number, y: number) => number, size = 18): Uint8Array =>
    Uint8Array.from({ length: size * size }, (_, i) => value(i % size, Math.floor(i / size)))

  it('sets the bits of places that get brighter to the right', () => {
    expect(
      differenceHash(
        ramp((x) => 10 * x),
        18,
      ),
    ).toBe('f'.repeat(16))
    expect(
      differenceHash(
        ramp((x) => 255 - 10 * x),
        18,
      ),
    ).toBe('0'.repeat(16))
    expect(
      differenceHash(
        ramp((x, y) => (y < 9 ? 10 * x : 0)),
        18,
      ),
    ).toBe('ffffffff00000000')
  })

  it('takes noise of one level on flat ground for nothing', () => {
    expect(
      differenceHash(
        ramp((x, y) => 100 + ((x * 7 + y * 3) % 2)),
        18,
      ),
    ).toBe('0'.repeat(16))
  })

  it('hardly changes when a picture is encoded anew, and much when it is another', async () => {
    const waves = (phase: number) =>
      picture([120, 90, 3], (x, y) => 128 + 60 * Math.sin(x / 9 + phase) + 60 * Math.cos(y / 7))
    const hashOf = async (bytes: Uint8Array) =>
      (await decodeImage(bytes, defaultImageLimits, defaultPreprocessing)).fingerprint
    const original = await hashOf(await waves(0).png().toBuffer())
    const copy = await hashOf(await waves(0).resize(70).jpeg({ quality: 60 }).toBuffer())
    const other = await hashOf(await waves(2).png().toBuffer())
    expect(lookAlike(original, copy, 4)).toBe(true)
    expect(lookAlike(original, other, 12)).toBe(false)
  })
})

describe('lookAlike', () => {
  const hash = '00ff00ff00ff00ff' // 32 bits set

  it('allows so many different bits, in either half', () => {
    expect(lookAlike(hash, hash, 0)).toBe(true)
    expect(lookAlike(hash, 'f0ff00ff00ff00ff', 4)).toBe(true)
    expect(lookAlike(hash, '00ff00ff00ff00f0', 4)).toBe(true)
    expect(lookAlike(hash, 'f8ff00ff00ff00ff', 4)).toBe(false)
    expect(lookAlike(hash, '00ff00ff00ff00f0', 3)).toBe(false)
  })

  it('takes two sparse drawings for different where photographs would be alike', () => {
    expect(lookAlike('0000000000003c00', '0000000000003400', 4)).toBe(false)
    expect(lookAlike('0000000000000000', '0000000000000001', 4)).toBe(false)
  })

  it('takes two empty sheets for alike', () => {
    expect(lookAlike('0000000000000000', '0000000000000000', 4)).toBe(true)
  })

  it('counts the highest bit of each half', () => {
    expect(lookAlike('ffffffffffffffff', '7fffffff7fffffff', 2)).toBe(true)
    expect(lookAlike('ffffffffffffffff', '7fffffff7fffffff', 1)).toBe(false)
  })

  it('agrees with a count of the written bits', () => {
    const random = randomStream(1, 'hashes')
    for (let round = 0; round < 200; round += 1) {
      const words = Array.from({ length: 4 }, () => random.integer(2 ** 32))
      const [a, b] = [words.slice(0, 2), words.slice(2)].map((two) =>
        two.map((word) => word.toString(16).padStart(8, '0')).join(''),
      ) as [string, string]
      const bits = (text: string) => BigInt(`0x${text}`).toString(2).padStart(64, '0')
      const pairs = [...bits(a)].map((bit, i) => bit + (bits(b)[i] as string))
      const different = pairs.filter((pair) => pair === '01' || pair === '10').length
      const either = pairs.filter((pair) => pair !== '00').length
      expect(lookAlike(a, b, 64)).toBe(8 * different <= either)
    }
  })
})
