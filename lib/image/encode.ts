import sharp from 'sharp'

/** A PNG of pixels, shape [height, width, 3], 0–255. */
export async function encodePng(
  pixels: Uint8Array,
  width: number,
  height: number,
): Promise<Uint8Array> {
  const png = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer()
  return new Uint8Array(png)
}
