import { z } from 'zod'
import { ErasedError, MissingError } from '../../errors.ts'
import { askerOf } from './authenticate.ts'
import type { Erased } from './erased.ts'
import type { HttpParts } from './parts.ts'
import { answers, bytesOf, imageIdParams, unchanged } from './route-schemas.ts'
import type { ThumbnailCache } from './thumbnail-cache.ts'
import { erasureView, pictureView } from './views.ts'
import type { HttpApp } from './zod-types.ts'

const forgetBody = z.strictObject({ reason: z.string().max(500).optional() }).optional()

/** What is known of pictures, and small copies of them. */
export function imageRoutes({ store }: HttpParts, erased: Erased, thumbnails: ThumbnailCache) {
  const expectKept = (id: string): void => {
    if (erased.has(id)) throw new ErasedError(`image ${id}: expected one that may be shown`)
  }
  return async (app: HttpApp): Promise<void> => {
    app.get(
      '/v1/images/:id',
      {
        config: { scope: 'read' },
        schema: {
          summary: 'What is known of a picture',
          tags: ['pictures'],
          params: imageIdParams,
          response: answers({ 200: pictureView }, 400, 404, 410, 503),
        },
      },
      async ({ params }) => {
        expectKept(params.id)
        return store.picture(params)
      },
    )
    app.get(
      '/v1/thumbnails/:id',
      {
        config: { scope: 'read' },
        schema: {
          summary: 'A small copy of a picture, encoded anew',
          tags: ['pictures'],
          params: imageIdParams,
          response: answers(
            { 200: bytesOf('image/webp', 'At most 96 pixels a side'), 304: unchanged },
            ...[400, 404, 410, 413, 415, 422, 503],
          ),
        },
      },
      async (request, reply) => {
        const { id } = request.params
        expectKept(id)
        // Kept by browsers, but asked for each time: it may have been erased meanwhile.
        reply.headers({ etag: `"${id}"`, 'cache-control': 'private, no-cache' })
        if (request.headers['if-none-match'] === `"${id}"`) return reply.code(304).send()
        const thumbnail = await thumbnails.get(id)
        if (thumbnail !== undefined) return reply.type('image/webp').send(Buffer.from(thumbnail))
        throw new MissingError(`image ${id}: expected it to be stored, it is not`)
      },
    )
  }
}

/** Forgetting pictures. */
export function forgetRoutes({ store }: HttpParts, erased: Erased) {
  return async (app: HttpApp): Promise<void> => {
    app.delete(
      '/v1/images/:id',
      {
        config: { scope: 'admin' },
        schema: {
          summary: 'Forget a picture everywhere; answered once the wish is written down',
          tags: ['pictures'],
          params: imageIdParams,
          body: { content: { 'application/json': { schema: forgetBody } } },
          response: answers({ 202: erasureView }, 400, 503),
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const reason = (request.body as z.infer<typeof forgetBody>)?.reason
        const wish = await store.forget({ id, by: askerOf(request), reason })
        await erased.refresh()
        return reply.code(202).send(wish)
      },
    )
  }
}
