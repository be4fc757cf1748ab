import { fileTypeFromBuffer } from 'file-type'
import sharp from 'sharp'
import { ImageDecodeError, ImageSizeError, ImageTypeError } from '../errors.ts'
import { differenceHash } from './fingerprint.ts'
import type { ImageFormat, ImageLimits, Preprocessing } from './options.ts'
import { expectPreprocessing } from './preprocessing.ts'

/** A picture as every part of the pipeline sees it. */
export interface DecodedImage {
  /** Shape [size, size, channels], row by row, 0–255. */
  readonly pixels: Uint8Array
  /** Width of the picture as it is meant to be seen, pixels. */
  readonly width: number
  /** Height of the picture as it is meant to be seen, pixels. */
  readonly height: number
  /** By content: `image/jpeg`, `image/png`, … */
  readonly mediaType: string
  /** Difference hash of the pixels, 16 hex characters. */
  readonly fingerprint: string
}

/** What names a format: to people, to the type detector, to libvips, and libvips' reader of it. */
interface FormatNames {
  readonly mediaType: string
  readonly detected: readonly string[]
  readonly vips: string
  readonly loader: string
}

const formatNames: Readonly<Record<ImageFormat, FormatNames>> = {
  jpeg: {
    mediaType: 'image/jpeg',
    detected: ['image/jpeg'],
    vips: 'jpeg',
    loader: 'VipsForeignLoadJpegBuffer',
  },
  png: {
    mediaType: 'image/png',
    detected: ['image/png', 'image/apng'],
    vips: 'png',
    loader: 'VipsForeignLoadPngBuffer',
  },
  webp: {
    mediaType: 'image/webp',
    detected: ['image/webp'],
    vips: 'webp',
    loader: 'VipsForeignLoadWebpBuffer',
  },
  gif: {
    mediaType: 'image/gif',
    detected: ['image/gif'],
    vips: 'gif',
    loader: 'VipsForeignLoadNsgifBuffer',
  },
  avif: {
    mediaType: 'image/avif',
    detected: ['image/avif'],
    vips: 'heif',
    loader: 'VipsForeignLoadHeifBuffer',
  },
  tiff: {
    mediaType: 'image/tiff',
    detected: ['image/tiff'],
    vips: 'tiff',
    loader: 'VipsForeignLoadTiffBuffer',
  },
}

// One thread a picture and no cache of operations: decoders run side by side and share nothing.
sharp.concurrency(1)
sharp.cache(false)
// A process reads no format from no place until a caller allows it; SVG has no entry above.
sharp.block({ operation: ['VipsForeignLoad'] })

/** Type by content, checked against the allowed ones. */
async function detectFormat(bytes: Uint8Array, limits: ImageLimits): Promise<ImageFormat> {
  // The detector reads untrusted bytes too: what breaks it is of no known type.
  const found = await fileTypeFromBuffer(bytes).catch(() => undefined)
  const format = limits.formats.find((name) =>
    formatNames[name].detected.includes(found?.mime ?? ''),
  )
  if (format === undefined) {
    throw new ImageTypeError(
      `decodeImage: expected ${limits.formats.join(', ')}, got ${found?.mime ?? 'an unknown type'}`,
    )
  }
  return format
}

function checkBytes(bytes: Uint8Array, limits: ImageLimits): void {
  if (bytes.length === 0 || bytes.length > limits.bytes) {
    const reason = bytes.length === 0 ? 'empty' : 'bytes'
    const message = `decodeImage: expected 1 to ${limits.bytes} bytes, got ${bytes.length}`
    throw new ImageSizeError(message, { reason, limit: limits.bytes, got: bytes.length })
  }
}

function checkSides(width: number, height: number, limits: ImageLimits): void {
  if (width * height > limits.pixels) {
    const message = `decodeImage: expected at most ${limits.pixels} pixels, got ${width} × ${height}`
    const found = { reason: 'pixels', limit: limits.pixels, got: width * height }
    throw new ImageSizeError(message, found)
  }
  if (Math.min(width, height) < limits.minSide) {
    const message = `decodeImage: expected sides of at least ${limits.minSide} pixels, got ${width} × ${height}`
    const found = { reason: 'side', limit: limits.minSide, got: Math.min(width, height) }
    throw new ImageSizeError(message, found)
  }
}

/** libvips repeats a message for each line of pixels; its first line says what went wrong. */
export function undecodable(error: unknown, expected: string): ImageDecodeError {
  const text = error instanceof Error ? error.message : String(error)
  const first = (text.split('\n')[0] ?? '').slice(0, 200)
  return new ImageDecodeError(`decodeImage: expected ${expected}, got "${first}"`, { cause: error })
}

/** Size by the header alone: no pixel is decoded before it is known to be allowed. */
async function readHeader(
  bytes: Uint8Array,
  format: ImageFormat,
): Promise<{ width: number; height: number }> {
  const header = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((error: unknown) => {
      throw undecodable(error, `a ${format} header`)
    })
  if (header.format !== formatNames[format].vips) {
    const message = `decodeImage: expected ${format} throughout, got ${header.format} inside`
    throw new ImageTypeError(message)
  }
  return header.autoOrient
}

/** What the head of a picture tells. */
interface CheckedPicture {
  readonly format: ImageFormat
  /** As it is meant to be seen, pixels. */
  readonly width: number
  readonly height: number
}

/**
 * Checks an untrusted picture before a pixel of it is decoded, and allows its format to be read.
 *
 * @throws as {@link decodeImage}, whose first half it is.
 */
export async function expectPicture(
  bytes: Uint8Array,
  limits: ImageLimits,
): Promise<CheckedPicture> {
  checkBytes(bytes, limits)
  const format = await detectFormat(bytes, limits)
  sharp.unblock({ operation: limits.formats.map((name) => formatNames[name].loader) })
  const { width, height } = await readHeader(bytes, format)
  checkSides(width, height, limits)
  return { format, width, height }
}

/** Lower and upper bound of the time limit that libvips keeps to, whole seconds. */
export const wholeSeconds = (ms: number): number =>
  Math.min(3600, Math.max(1, Math.ceil(ms / 1000)))

async function readPixels(
  bytes: Uint8Array,
  limits: ImageLimits,
  preprocessing: Preprocessing,
): Promise<Uint8Array> {
  const { size, channels, background } = preprocessing
  const { data } = await sharp(bytes, {
    failOn: 'warning',
    limitInputPixels: limits.pixels,
    pages: 1,
    autoOrient: true,
  })
    .flatten({ background })
    .resize(size, size, { fit: 'cover', position: 'centre', kernel: 'lanczos3' })
    .toColourspace(channels === 'rgb' ? 'srgb' : 'b-w')
    .timeout({ seconds: wholeSeconds(limits.timeoutMs) })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  // A copy of its own: a Buffer may be a window on a larger pool.
  return new Uint8Array(data)
}

/**
 * Decodes an untrusted picture to the square that networks see, the same pixels everywhere:
 * first frame, upright, on the background colour, sRGB or grey, centre of the picture, Lanczos.
 *
 * Its first call blocks, for this whole process, every libvips reader that no call has allowed.
 * A hostile picture can still crash or hang native code: services use `service/decoders`.
 *
 * @param bytes - JPEG, PNG or WebP as a whole, or what `limits.formats` allows besides.
 * @throws {@link ConfigError} if a preprocessing setting is out of its range.
 * @throws {@link ImageSizeError} if the file is empty or too large, or the picture too large or
 * too small; the header is enough to tell.
 * @throws {@link ImageTypeError} if the content is of no allowed format.
 * @throws {@link ImageDecodeError} if the picture is damaged or takes too long.
 */
export async function decodeImage(
  bytes: Uint8Array,
  limits: ImageLimits,
  preprocessing: Preprocessing,
): Promise<DecodedImage> {
  expectPreprocessing('decodeImage', preprocessing)
  const { format, width, height } = await expectPicture(bytes, limits)
  const pixels = await readPixels(bytes, limits, preprocessing).catch((error: unknown) => {
    throw undecodable(error, `a whole ${format} picture`)
  })
  const fingerprint = differenceHash(pixels, preprocessing.size)
  return { pixels, width, height, mediaType: formatNames[format].mediaType, fingerprint }
}
