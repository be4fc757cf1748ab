import { z } from 'zod'
import { askerOf } from './authenticate.ts'
import type { HttpParts } from './parts.ts'
import { answers, versionParams } from './route-schemas.ts'
import { channelView, modelView, timelineView } from './views.ts'
import type { HttpApp } from './zod-types.ts'

const moveBody = z.strictObject({
  expects: z.string().max(100).describe('The version that is stable now'),
  reason: z.string().max(500).optional(),
})

/** Versions, for everybody who may read. */
export function modelRoutes({ store }: HttpParts) {
  return async (app: HttpApp): Promise<void> => {
    app.get(
      '/v1/models',
      {
        config: { scope: 'read' },
        schema: {
          summary: 'Versions, and rounds that became none, newest first',
          tags: ['releases'],
          response: answers({ 200: timelineView }, 503),
        },
      },
      () => store.models(),
    )
    app.get(
      '/v1/models/:version',
      {
        config: { scope: 'read' },
        schema: {
          summary: 'One version: what it is, why it was let through, when it served',
          tags: ['releases'],
          params: versionParams,
          response: answers({ 200: modelView }, 400, 404, 503),
        },
      },
      ({ params }) => store.model(params),
    )
  }
}

/** Moves of `stable` by hand. */
export function moveRoutes({ store }: HttpParts) {
  return async (app: HttpApp): Promise<void> => {
    app.post(
      '/v1/models/:version/promote',
      {
        config: { scope: 'admin' },
        schema: {
          summary: 'Make a version stable, and lift a pin',
          description:
            'Waits for the index of the version; 503 with reason `index` says how far it is.',
          tags: ['releases'],
          params: versionParams,
          body: moveBody,
          response: answers({ 200: channelView }, 400, 404, 409, 503),
        },
      },
      (request) => store.promote({ ...request.params, ...request.body, by: askerOf(request) }),
    )
    app.post(
      '/v1/rollback',
      {
        config: { scope: 'admin' },
        schema: {
          summary: 'Make the release before stable again, and pin it',
          tags: ['releases'],
          body: moveBody,
          response: answers({ 200: channelView }, 400, 404, 409, 503),
        },
      },
      (request) => store.rollback({ ...request.body, by: askerOf(request) }),
    )
  }
}
