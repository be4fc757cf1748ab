import sharp from 'sharp'
import { expectPicture, undecodable, wholeSeconds } from './decode.ts'
import type { ImageLimits } from './options.ts'

/** Longer side of a thumbnail, pixels. */
export const thumbnailSide = 96
const quality = 70

/**
 * A small copy of an untrusted picture, encoded anew: upright, whole, without metadata.
 *
 * Like `decodeImage`, it belongs into a process of its own: services use `service/decoders`.
 *
 * @returns WebP, its longer side {@link thumbnailSide} pixels.
 * @throws as `decodeImage`.
 */
export async function thumbnail(bytes: Uint8Array, limits: ImageLimits): Promise<Uint8Array> {
  const { format } = await expectPicture(bytes, limits)
  const webp = await sharp(bytes, {
    failOn: 'warning',
    limitInputPixels: limits.pixels,
    pages: 1,
    autoOrient: true,
  })
    .resize(thumbnailSide, thumbnailSide, { fit: 'inside' })
    .toColourspace('srgb')
    .webp({ quality })
    .timeout({ seconds: wholeSeconds(limits.timeoutMs) })
    .toBuffer()
    .catch((error: unknown) => {
      throw undecodable(error, `a whole ${format} picture`)
    })
  return new Uint8Array(webp)
}
