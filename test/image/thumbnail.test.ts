import sharp from 'sharp'
import { expect, it } from 'vitest'
import { defaultImageLimits as limits } from '../../lib/image/options.ts'
import { thumbnail } from '../../lib/image/thumbnail.ts'
import { busy } from '../fixtures/image/pictures.ts'

const headerOf = async (bytes: Uint8Array) => {
  const { format, width, height, exif } = await sharp(bytes).metadata()
  return { format, width, height, exif }
}

it('keeps the whole picture, upright, and drops what the camera wrote into it', async () => {
  const tall = await busy()
    .resize(300, 150, { fit: 'fill' })
    .withExif({ IFD0: { Copyright: 'somebody' } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer()
  expect(await headerOf(await thumbnail(tall, limits))).toEqual({
    format: 'webp',
    width: 48,
    height: 96,
    exif: undefined,
  })
})

it('refuses what decoding refuses', async () => {
  const jpeg = await busy().jpeg().toBuffer()
  const refused = (bytes: Uint8Array, change = {}) => thumbnail(bytes, { ...limits, ...change })
  await expect(refused(Buffer.from('<svg/>'))).rejects.toMatchObject({ code: 'IMAGE_TYPE' })
  await expect(refused(jpeg.subarray(0, 900))).rejects.toMatchObject({ code: 'IMAGE_DECODE' })
  await expect(refused(jpeg, { pixels: 100 })).rejects.toMatchObject({
    code: 'IMAGE_SIZE',
    reason: 'pixels',
    limit: 100,
  })
})
