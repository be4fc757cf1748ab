import { Readable } from 'node:stream'
import { z } from 'zod'
import { BusyError, errorCodes, MissingError } from '../../errors.ts'
import { askerOf } from './authenticate.ts'
import type { HttpParts } from './parts.ts'
import { answers, bytesOf, unchanged, versionParams } from './route-schemas.ts'
import { quarantineView, replayedView, roundRequestView, trainingView } from './views.ts'
import type { HttpApp } from './zod-types.ts'

/** Followers of events side by side. */
const maxFollowers = 32

const eventHeaders = z.object({
  'last-event-id': z.string().max(100).optional().describe('Go on behind this event'),
})

/** What the dashboard shows: map, training, quarantine, events. */
export function watchRoutes(parts: HttpParts, closing: AbortSignal) {
  const { store, events, map } = parts
  let followers = 0
  return async (app: HttpApp): Promise<void> => {
    app.get(
      '/v1/map/:version',
      {
        config: { scope: 'read' },
        schema: {
          summary: 'Points of all pictures as columns: float32 x, y; uint16 cluster; uint32 time',
          tags: ['watching'],
          params: versionParams,
          response: answers(
            { 200: bytesOf('application/octet-stream', 'Columns'), 304: unchanged },
            ...[400, 404, 503],
          ),
        },
      },
      async (request, reply) => {
        const { version } = request.params
        const columns = await map?.(version)
        if (columns === undefined) {
          throw new MissingError(`map: expected one of ${version}, there is none`)
        }
        const etag = `"${columns.etag}"`
        reply.headers({ etag, 'cache-control': 'private, no-cache' })
        if (request.headers['if-none-match'] === etag) return reply.code(304).send()
        reply.header('x-contrastream-points', columns.points).type('application/octet-stream')
        return reply.send(Buffer.from(columns.bytes))
      },
    )
    app.get(
      '/v1/training',
      {
        config: { scope: 'read' },
        schema: {
          summary: 'The round under way, and rounds so far, newest first, with their figures',
          tags: ['watching'],
          response: answers({ 200: trainingView }, 503),
        },
      },
      () => store.training(),
    )
    app.get(
      '/v1/quarantine',
      {
        config: { scope: 'read' },
        schema: {
          summary: 'Records set aside: how many of each reason, and the last 500',
          tags: ['watching'],
          response: answers({ 200: quarantineView }, 503),
        },
      },
      () => store.quarantine(),
    )
    app.get(
      '/v1/events',
      {
        config: { scope: 'read', isEndless: true },
        schema: {
          summary: 'What happens, as server-sent events with ids',
          description: 'After a reconnection that came too late, `gap` says that some are missing.',
          tags: ['watching'],
          headers: eventHeaders,
          response: answers({ 200: bytesOf('text/event-stream', 'Events') }, 400),
        },
      },
      async (request, reply) => {
        if (followers >= maxFollowers) {
          throw new BusyError(`events: expected at most ${maxFollowers} followers, got one more`, {
            reason: 'requests',
            retryable: true,
            limit: maxFollowers,
          })
        }
        followers += 1
        const gone = new AbortController()
        reply.raw.once('close', () => {
          followers -= 1
          gone.abort()
        })
        const { 'last-event-id': last } = request.headers as z.infer<typeof eventHeaders>
        reply.headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
        const signal = AbortSignal.any([gone.signal, closing])
        // As text: an object stream would hold a number of frames, not of bytes.
        const frames = Readable.from(events.follow(last, signal), { objectMode: false })
        return reply.type('text/event-stream').send(frames)
      },
    )
  }
}

const roundBody = z.strictObject({ reason: z.string().max(500).optional() }).optional()
const replayBody = z
  .strictObject({
    ids: z.array(z.number().int().min(0)).max(1_000).default([]),
    code: z.enum(errorCodes).optional().describe('All records with this code'),
  })
  .refine(({ ids, code }) => ids.length > 0 || code !== undefined, 'expected ids or a code')

/** Wishes to the learner, and records that are sent again. */
export function wishRoutes({ store }: HttpParts) {
  return async (app: HttpApp): Promise<void> => {
    app.post(
      '/v1/rounds',
      {
        config: { scope: 'admin' },
        schema: {
          summary: 'Ask the learner for a round',
          tags: ['watching'],
          body: { content: { 'application/json': { schema: roundBody } } },
          response: answers({ 202: roundRequestView }, 400, 503),
        },
      },
      async (request, reply) => {
        const reason = (request.body as z.infer<typeof roundBody>)?.reason
        return reply.code(202).send(await store.askForRound({ by: askerOf(request), reason }))
      },
    )
    app.post(
      '/v1/quarantine/replay',
      {
        config: { scope: 'admin' },
        schema: {
          summary: 'Send records again that were set aside',
          tags: ['watching'],
          body: replayBody,
          response: answers({ 200: replayedView }, 400, 503),
        },
      },
      ({ body: { ids, code } }) => store.replay({ ids, ...(code !== undefined && { code }) }),
    )
  }
}
