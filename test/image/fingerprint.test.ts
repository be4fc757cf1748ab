import { describe, expect, it } from 'vitest'
import { decodeImage } from '../../lib/image/decode.ts'
import {
  differenceHash,
  hammingDistance,
  imageId,
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
    expect(hammingDistance(original, copy)).toBeLessThanOrEqual(4)
    expect(hammingDistance(original, other)).toBeGreaterThan(12)
  })
})

describe('hammingDistance', () => {
  it('counts the bits that differ', () => {
    expect(hammingDistance('0000000000000000', 'ffffffffffffffff')).toBe(64)
    expect(hammingDistance('8000000000000001', '0000000000000001')).toBe(1)
    expect(hammingDistance('00ff00ff00ff00ff', '00ff00ff00ff00ff')).toBe(0)
  })
})
