import type { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { ImageSizeError, InputError, PipelineError } from '../../errors.ts'
import type { Ticket } from './admission.ts'

/** What bodies must keep to. */
export interface BodyLimits {
  /** Of one picture. */
  readonly bytes: number
  /** Pictures in one body. */
  readonly batch: number
  /** Of all pictures of one body. */
  readonly bodyBytes: number
}

function tooLarge(limit: number, got: number): ImageSizeError {
  const message = `body: expected at most ${limit} bytes, got ${got} or more`
  return new ImageSizeError(message, { reason: 'bytes', limit, got })
}

/** Reads a stream that may have no end, and counts what comes in. */
async function collect(stream: Readable, ticket: Ticket, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > limit) throw tooLarge(limit, bytes)
      ticket.take(chunk.length)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks, bytes)
  } catch (cause) {
    if (cause instanceof PipelineError) throw cause
    throw new InputError(`body: expected it whole, got ${bytes} bytes and the end`, { cause })
  }
}

/** Parser of every body that is a picture as it is, whatever its header says it were. */
export function pictureParser({ bytes }: BodyLimits) {
  return async (request: FastifyRequest, payload: Readable): Promise<Buffer> => {
    const declared = Number(request.headers['content-length'] ?? 0)
    if (declared > bytes) throw tooLarge(bytes, declared)
    return collect(payload, request.ticket, bytes)
  }
}

function formFault(cause: unknown, { batch, bytes }: BodyLimits): PipelineError {
  if (cause instanceof PipelineError) return cause
  const { code, message } = cause as Error & { readonly code?: string }
  if (code === 'FST_REQ_FILE_TOO_LARGE') return tooLarge(bytes, bytes + 1)
  const isCount = code === 'FST_FILES_LIMIT' || code === 'FST_PARTS_LIMIT'
  const expected = isCount ? `at most ${batch} pictures` : 'a whole form'
  return new InputError(`multipart: expected ${expected}, got: ${message}`, {
    ...(isCount && { reason: 'batch', limit: batch, got: batch + 1 }),
    cause,
  })
}

async function readForm(request: FastifyRequest, limits: BodyLimits): Promise<Buffer[]> {
  const { bytes, batch, bodyBytes } = limits
  const pictures: Buffer[] = []
  let all = 0
  try {
    const parts = request.files({
      limits: { fileSize: bytes, files: batch, parts: batch + 8, fields: 8, headerPairs: 16 },
    })
    for await (const { file } of parts) {
      const picture = await collect(file, request.ticket, bytes)
      if (file.truncated) throw tooLarge(bytes, bytes + 1)
      all += picture.length
      if (all > bodyBytes) throw tooLarge(bodyBytes, all)
      pictures.push(picture)
    }
    return pictures
  } catch (error) {
    // What is left of the body is read and dropped, so that the connection can go on.
    request.raw.unpipe()
    request.raw.resume()
    throw formFault(error, limits)
  }
}

/**
 * The pictures of a request: its body as it is, or the files of a form.
 *
 * @throws {@link InputError} without any, {@link ImageSizeError} beyond the limits;
 * {@link BusyError} if there is no room for them.
 */
export async function readPictures(
  request: FastifyRequest,
  limits: BodyLimits,
): Promise<readonly Buffer[]> {
  const isForm = request.isMultipart()
  const body = request.body
  const raw = Buffer.isBuffer(body) && body.length > 0 ? [body] : []
  const pictures = isForm ? await readForm(request, limits) : raw
  if (pictures.length > 0) return pictures
  throw new InputError('body: expected a picture, as it is or in a form, got none')
}
