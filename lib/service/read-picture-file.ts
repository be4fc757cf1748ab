import { readFile } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import type { Config } from '../config/schema.ts'
import { ImageSizeError, ImageTypeError, InputError, type PipelineError } from '../errors.ts'
import { imageId } from '../image/fingerprint.ts'
import { pictureType, writeEnvelope } from '../stream/envelope.ts'
import type { OutRecord } from '../stream/types.ts'
import { isErased } from './erasures.ts'
import { type FoundFile, faultOf } from './files-under.ts'
import type { FileState } from './folder-ledger.ts'
import type { Pipeline } from './open-pipeline.ts'
import { isDataError } from './quarantine.ts'

const endings: Readonly<Record<string, string>> = {
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
  '.avif': 'image/avif',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
}

/** Endings of formats whose first bytes we know. */
const plain = ['.jpg', '.jpeg', '.png', '.webp']

/** Whether a file is a picture by its name. */
export const isPictureName = (path: string): boolean =>
  endings[extname(path).toLowerCase()] !== undefined

/** A file that is ready to be sent, or the reason why it is not. */
export type Prepared =
  | { readonly file: FileState; readonly record: OutRecord }
  /** Somebody asked to forget the picture: it is not taken in again. */
  | { readonly file: FileState; readonly isErased: true }
  | { readonly file: FileState; readonly error: PipelineError; readonly mayPass?: boolean }

/** What may not be read today may be tomorrow, and looks the same: the ledger does not keep it. */
export function unreadable(
  file: FileState,
  { what, word }: NonNullable<FoundFile['fault']>,
): Prepared {
  const error = new InputError(`${file.path}: expected a readable ${what}, got ${word}`)
  return { file, error, mayPass: true }
}

/**
 * Reads a picture file, and stores its bytes: a record that is ready to be sent, or why it is not.
 *
 * @param folder - The configured folder that it was found in: its source.
 * @throws the error of a disk or a store that is out of order.
 */
export async function readPictureFile(
  { blobs, documents }: Pick<Pipeline, 'blobs' | 'documents'>,
  { limits, ingest }: Config,
  file: FileState,
  folder: string,
): Promise<Prepared> {
  const { path } = file
  const ending = extname(path).toLowerCase()
  try {
    if (file.bytes === 0 || file.bytes > limits.bytes) {
      throw new ImageSizeError(`${path}: expected 1 to ${limits.bytes} bytes, got ${file.bytes}`)
    }
    const bytes = await readFile(path)
    if (plain.includes(ending) && pictureType(bytes) === undefined) {
      throw new ImageTypeError(`${path}: expected a picture, got other bytes`)
    }
    const sha256 = imageId(bytes)
    if (await isErased(documents, sha256)) return { file, isErased: true }
    await blobs.put('pictures', bytes)
    const value = writeEnvelope({
      v: 1,
      sha256,
      bytes: bytes.length,
      mediaType: endings[ending] ?? 'application/octet-stream',
      source: basename(folder).slice(0, 200) || ingest.source,
      capturedAt: new Date(file.changedAt).toISOString(),
    })
    return { file, record: { key: new TextEncoder().encode(sha256), value } }
  } catch (error) {
    if (isDataError(error)) return { file, error }
    const fault = faultOf(error)
    if (!['EACCES', 'EISDIR', 'ENOENT', 'EPERM'].includes(fault)) throw error
    return unreadable(file, { what: 'file', word: fault })
  }
}
