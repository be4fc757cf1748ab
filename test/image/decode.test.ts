import { createHash } from 'node:crypto'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { decodeImage } from '../../lib/image/decode.ts'
import {
  defaultPreprocessing,
  type ImageFormat,
  defaultImageLimits as limits,
  type Preprocessing,
} from '../../lib/image/options.ts'
import { busy, deepPicture, encoded, orange, picture, plain } from '../fixtures/image/pictures.ts'

const rgb: Preprocessing = { ...defaultPreprocessing, size: 16 }
const grey: Preprocessing = { ...rgb, channels: 'grey', mean: [127.5], std: [127.5] }
const every: readonly ImageFormat[] = ['jpeg', 'png', 'webp', 'gif', 'avif', 'tiff']
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Distance of every number from one colour, at most. */
function awayFrom(colour: readonly number[], pixels: Uint8Array): number {
  return Math.max(
    ...pixels.map((value, i) => Math.abs(value - (colour[i % colour.length] as number))),
  )
}

describe('decodeImage: the same pixels everywhere', () => {
  const pinned = {
    jpeg: [
      '33d69bdc0163f768a7bfa6de1d85fd6919a3efdc1b0559c37a5e341de258e6b7',
      'aa77f4a0c8096718b37d89ad9d64090b558085e25ad92fe931007d49bdaa3610',
    ],
    png: [
      '9812e8e3d6f00026f5543de95150b9dc9364c4e329263c29301d18ea48e0a2f6',
      'd9d24f99d9ee9b59835c25e8bc78ee37fbdcc610e8b618bdbfbbbf4fc63161d9',
    ],
    webp: [
      '6f18595f822ae39c9c56c13f14df324ec3e90ea96b34e8a496becdace0b1b691',
      'ac7e5a2b2d867b9685fd1ceb7b390c92560c60be198b212fa21df7979a4e2dc2',
    ],
  } as const

  it.each(['jpeg', 'png', 'webp'] as const)('pins the pixels of a %s', async (format) => {
    const bytes = Buffer.from(encoded[format], 'base64')
    const images = await Promise.all([rgb, grey].map((p) => decodeImage(bytes, limits, p)))
    expect(images.map(({ pixels }) => sha256(pixels))).toEqual(pinned[format])
  })

  it.each(every)('keeps the colour of a %s that is allowed', async (format) => {
    const bytes = await plain().toFormat(format, { quality: 95 }).toBuffer()
    const image = await decodeImage(bytes, { ...limits, formats: every }, rgb)
    expect(image).toMatchObject({ width: 40, height: 30, mediaType: `image/${format}` })
    expect(awayFrom(orange, image.pixels)).toBeLessThanOrEqual(2)
  })

  it('takes 16 bits a number as 8', async () => {
    const bytes = await deepPicture([40, 30, 3], (channel) => (orange[channel] ?? 0) * 257)
      .toColourspace('rgb16')
      .png()
      .toBuffer()
    expect((await sharp(bytes).metadata()).depth).toBe('ushort')
    expect(awayFrom(orange, (await decodeImage(bytes, limits, rgb)).pixels)).toBe(0)
  })

  it('takes grey as three equal channels, 16 bits deep too', async () => {
    const bytes = await deepPicture([40, 30, 1], () => 0x8080)
      .toColourspace('grey16')
      .png()
      .toBuffer()
    expect((await sharp(bytes).metadata()).channels).toBe(1)
    expect(awayFrom([128], (await decodeImage(bytes, limits, rgb)).pixels)).toBe(0)
    expect(awayFrom([128], (await decodeImage(bytes, limits, grey)).pixels)).toBe(0)
  })

  it('converts the four inks of print', async () => {
    const bytes = await plain().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer()
    expect((await sharp(bytes).metadata()).channels).toBe(4)
    const { pixels } = await decodeImage(bytes, limits, rgb)
    // Its inks cannot hold this blue: the gamut of print is smaller than that of a screen.
    expect(awayFrom(orange, pixels)).toBeLessThan(32)
  })

  it('shows the background through transparent pixels', async () => {
    const bytes = await picture([40, 30, 4], (_x, _y, channel) => (channel === 3 ? 0 : 255))
      .png()
      .toBuffer()
    const { pixels } = await decodeImage(bytes, limits, { ...rgb, background: '#102030' })
    expect(awayFrom([0x10, 0x20, 0x30], pixels)).toBe(0)
  })

  it.each([
    [1, 40, 'top left'],
    [2, 40, 'top right'],
    [3, 40, 'bottom right'],
    [4, 40, 'bottom left'],
    [5, 20, 'top left'],
    [6, 20, 'top right'],
    [7, 20, 'bottom right'],
    [8, 20, 'bottom left'],
  ])('turns a picture with EXIF orientation %i upright', async (orientation, width, corner) => {
    const bytes = await picture([40, 20, 1], (x, y) => (x < 20 && y < 10 ? 250 : 0))
      .withMetadata({ orientation })
      .png()
      .toBuffer()
    const image = await decodeImage(bytes, limits, grey)
    const corners = { 'top left': 0, 'top right': 15, 'bottom left': 240, 'bottom right': 255 }
    const bright = Object.entries(corners).filter(([, at]) => (image.pixels[at] as number) > 200)
    expect(image.width).toBe(width)
    expect(bright.map(([name]) => name)).toEqual([corner])
  })

  it('keeps the middle of a wide picture', async () => {
    const bytes = await picture([90, 30, 1], (x) => (x < 30 || x >= 60 ? 255 : 0))
      .png()
      .toBuffer()
    const { pixels } = await decodeImage(bytes, limits, grey)
    expect(
      awayFrom(
        [0],
        pixels.filter((_, i) => i % 16 > 0 && i % 16 < 15),
      ),
    ).toBeLessThan(40)
  })

  it('shows the first frame of an animation', async () => {
    const frames = await picture([40, 60, 3], (_x, y) => (y < 30 ? 40 : 220))
      .png()
      .toBuffer()
    const bytes = await sharp(await sharp(frames).raw().toBuffer(), {
      raw: { width: 40, height: 60, channels: 3, pageHeight: 30 },
    })
      .webp({ lossless: true })
      .toBuffer()
    const image = await decodeImage(bytes, limits, rgb)
    expect(image.height).toBe(30)
    expect(awayFrom([40], image.pixels)).toBeLessThanOrEqual(1)
  })

  it('gives the same picture twice', async () => {
    const bytes = await busy().jpeg().toBuffer()
    expect(await decodeImage(bytes, limits, rgb)).toEqual(await decodeImage(bytes, limits, rgb))
  })

  it('hands over memory that holds nothing else', async () => {
    const { pixels } = await decodeImage(await plain().png().toBuffer(), limits, rgb)
    expect(pixels.buffer.byteLength).toBe(16 * 16 * 3)
  })
})

describe('decodeImage: hostile input', () => {
  const refused = async (bytes: Uint8Array, changed = {}): Promise<unknown> =>
    decodeImage(bytes, { ...limits, ...changed }, rgb).catch((error: unknown) => error)

  it('refuses an empty file', async () => {
    const error = { code: 'IMAGE_SIZE', reason: 'empty' }
    expect(await refused(new Uint8Array(0))).toMatchObject(error)
  })

  it('refuses a file above the byte limit before looking into it', async () => {
    const message = 'decodeImage: expected 1 to 1000 bytes, got 1001'
    expect(await refused(new Uint8Array(1001), { bytes: 1000 })).toMatchObject({
      code: 'IMAGE_SIZE',
      reason: 'bytes',
      message,
    })
  })

  it('refuses a small file that unfolds to a huge picture, by its header', async () => {
    const huge = { width: 12_000, height: 12_000, channels: 3 as const, background: '#000' }
    const bomb = await sharp({ create: huge }).png().toBuffer()
    expect(bomb.length).toBeLessThan(1e6)
    expect(await refused(bomb)).toMatchObject({
      code: 'IMAGE_SIZE',
      reason: 'pixels',
      message: 'decodeImage: expected at most 50000000 pixels, got 12000 × 12000',
    })
  })

  it('refuses a picture with too short a side', async () => {
    const bytes = await picture([40, 15, 3], () => 0)
      .png()
      .toBuffer()
    expect(await refused(bytes)).toMatchObject({ code: 'IMAGE_SIZE', reason: 'side' })
  })

  it.each(['gif', 'avif', 'tiff'] as const)('refuses a %s unless allowed', async (format) => {
    const bytes = await plain().toFormat(format).toBuffer()
    expect(await refused(bytes)).toMatchObject({
      code: 'IMAGE_TYPE',
      message: `decodeImage: expected jpeg, png, webp, got image/${format}`,
    })
  })

  it.each(['', '<?xml version="1.0"?>'])('refuses SVG after "%s"', async (prologue) => {
    const svg = `${prologue}<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"/>`
    expect(await refused(Buffer.from(svg), { formats: every })).toMatchObject({
      code: 'IMAGE_TYPE',
    })
  })

  it('refuses bytes of no known type', async () => {
    expect(await refused(Buffer.from('{"v":1}'))).toMatchObject({
      code: 'IMAGE_TYPE',
      message: 'decodeImage: expected jpeg, png, webp, got an unknown type',
    })
  })

  it('refuses a picture that hides behind the first bytes of another format', async () => {
    const png = await plain().png().toBuffer()
    const disguised = Buffer.concat([Buffer.from('GIF89a'), png])
    expect(await refused(disguised)).toMatchObject({ code: 'IMAGE_TYPE' })
  })

  it.each(['jpeg', 'png', 'webp'] as const)('refuses half a %s', async (format) => {
    const bytes = await busy().toFormat(format).toBuffer()
    expect(await refused(bytes.subarray(0, bytes.length / 2))).toMatchObject({
      code: 'IMAGE_DECODE',
    })
  })

  it('refuses first bytes without a picture behind them', async () => {
    const bytes = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(await refused(bytes)).toMatchObject({ code: 'IMAGE_DECODE' })
  })

  it('survives a thousand pictures with flipped bits', async () => {
    const original = await busy().jpeg().toBuffer()
    const outcomes = new Set<unknown>()
    for (let i = 0; i < 1_000; i += 1) {
      const bytes = Buffer.from(original)
      const at = (i * 7_919) % bytes.length
      bytes[at] = (bytes[at] as number) ^ (1 << (i % 8))
      const outcome = await refused(bytes)
      outcomes.add(Reflect.get(outcome as object, 'code'))
    }
    const known = [undefined, 'IMAGE_DECODE', 'IMAGE_SIZE', 'IMAGE_TYPE']
    expect([...outcomes].filter((code) => !known.includes(code as string))).toEqual([])
  }, 60_000)

  it('says which preprocessing setting is out of range', async () => {
    const bytes = await plain().png().toBuffer()
    const decode = decodeImage(bytes, limits, { ...rgb, background: 'teal' })
    await expect(decode).rejects.toThrow('decodeImage: expected a background #rrggbb, got teal')
  })
})
