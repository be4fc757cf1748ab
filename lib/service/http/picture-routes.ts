import { z } from 'zod'
import type { Matrix } from '../../engine/matrix.ts'
import { bodyLimits, embedPictures } from './embed-pictures.ts'
import type { HttpParts } from './parts.ts'
import { pictureParser, readPictures } from './read-pictures.ts'
import { answers, binary, pictureContent } from './route-schemas.ts'
import { stampHeaders } from './stamp-headers.ts'
import { traceparentFor } from './trace-requests.ts'
import type { HttpApp } from './zod-types.ts'

const uploadHeaders = z.object({
  'x-source': z.string().min(1).max(200).optional(),
  'x-captured-at': z.iso.datetime().optional(),
  traceparent: z.string().optional().describe('W3C Trace Context; goes into the record'),
})

const acceptedView = z.object({
  id: z.string().describe('sha256 of the bytes'),
  duplicate: z.boolean().describe('The same bytes were stored before'),
})

const row = z.array(z.number())
const stamp = { model: z.string(), preprocessing: z.string() }
const embeddingView = z.union([
  z.object({ embedding: row, ...stamp }),
  z.object({ embeddings: z.array(row).describe('Of a form, in its order'), ...stamp }),
])

const rowsOf = ({ rows, dim, data }: Matrix): number[][] =>
  Array.from({ length: rows }, (_, i) => Array.from(data.subarray(i * dim, (i + 1) * dim)))

/** Pictures in: to be learnt from, or to be embedded. */
export function pictureRoutes(parts: HttpParts) {
  const limits = bodyLimits(parts)
  return async (app: HttpApp): Promise<void> => {
    // What a body is, its bytes say: no header makes it anything else.
    app.removeContentTypeParser('application/json')
    app.addContentTypeParser('*', pictureParser(limits))

    app.post(
      '/v1/images',
      {
        config: { scope: 'ingest' },
        schema: {
          summary: 'Take a picture in; answered once its record is acknowledged',
          tags: ['pictures'],
          headers: uploadHeaders,
          body: { content: pictureContent },
          response: answers({ 202: acceptedView }, 400, 410, 413, 415, 503),
        },
      },
      async (request, reply) => {
        const pictures = await readPictures(request, { ...limits, batch: 1 })
        const headers = request.headers as z.infer<typeof uploadHeaders>
        const { 'x-source': source, 'x-captured-at': capturedAt } = headers
        const traceparent = traceparentFor(request)
        const accepted = await parts.store.accept({
          bytes: pictures[0] as Buffer,
          ...(source !== undefined && { source }),
          ...(capturedAt !== undefined && { capturedAt }),
          ...(traceparent !== undefined && { traceparent }),
        })
        return reply.code(202).send(accepted)
      },
    )

    app.post(
      '/v1/embed',
      {
        config: { scope: 'read' },
        schema: {
          summary: 'The vector of a picture, or the vectors of those in a form',
          description: 'With Accept: application/octet-stream as float32, little-endian.',
          tags: ['pictures'],
          body: { content: pictureContent },
          response: answers(
            {
              200: {
                description: 'Vectors',
                content: {
                  'application/json': { schema: embeddingView },
                  'application/octet-stream': { schema: binary },
                },
              },
            },
            ...[400, 413, 415, 422, 503],
          ),
        },
      },
      async (request, reply) => {
        const isForm = request.isMultipart()
        const pictures = await readPictures(request, limits)
        const { release, vectors } = await parts.releases.use(async (release) => ({
          release,
          vectors: await embedPictures(parts, release, pictures),
        }))
        reply.headers(stampHeaders(release))
        if (request.headers.accept?.includes('application/octet-stream')) {
          const { buffer, byteOffset, byteLength } = vectors.data
          reply.header('x-contrastream-dim', vectors.dim).type('application/octet-stream')
          return reply.send(Buffer.from(buffer, byteOffset, byteLength))
        }
        const rows = rowsOf(vectors)
        const model = { model: release.version, preprocessing: release.preprocessingHash }
        const body = isForm
          ? { embeddings: rows, ...model }
          : { embedding: rows[0] ?? [], ...model }
        return reply.type('application/json; charset=utf-8').send(body)
      },
    )
  }
}
