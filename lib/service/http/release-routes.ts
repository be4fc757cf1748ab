import { z } from 'zod'
import { BusyError } from '../../errors.ts'
import { bodyLimits } from './embed-pictures.ts'
import type { HttpParts } from './parts.ts'
import { answers } from './route-schemas.ts'
import type { HttpApp } from './zod-types.ts'

const releaseView = z.object({
  model: z.string(),
  preprocessing: z.string(),
  generation: z.string().optional().describe('Absent while no index is built'),
  dim: z.number().int(),
  vectors: z.number().int().describe('In the index'),
  seq: z.number().int(),
  stable: z.string().describe('What the channel names; another one while that is being loaded'),
  pinned: z.boolean(),
  previous: z.string().optional(),
  bad: z.array(
    z.object({ version: z.string(), generation: z.string().optional(), reason: z.string() }),
  ),
})

const limitsView = z.object({
  bytes: z.number().int().describe('Of a picture'),
  bodyBytes: z.number().int().describe('Of all pictures of a form'),
  pixels: z.number().int(),
  minSide: z.number().int(),
  formats: z.array(z.string()),
  batch: z.number().int().describe('Pictures of a form'),
  neighbours: z.number().int(),
  decodeTimeoutMs: z.number(),
  headerTimeoutMs: z.number(),
  bodyTimeoutMs: z.number(),
  requestsPerMinute: z.number().int().describe('Per token; none on loopback'),
})

/** What serves now, and what is taken. */
export function releaseRoutes(parts: HttpParts) {
  const { limits, http, image } = parts.config
  return async (app: HttpApp): Promise<void> => {
    app.get(
      '/v1/release',
      {
        config: { scope: 'read' },
        schema: {
          summary: 'Model and index that answer now',
          tags: ['releases'],
          response: answers({ 200: releaseView }, 503),
        },
      },
      async () => {
        const { current, bad } = parts.releases
        if (current === undefined) {
          throw new BusyError('release: expected a loaded model, there is none yet', {
            reason: 'not-ready',
            retryable: true,
          })
        }
        const { stable, pinned, previous } = await parts.store.channel()
        const { version, preprocessingHash, generation, dim, size, seq } = current
        return {
          ...{ model: version, preprocessing: preprocessingHash, generation, dim, vectors: size },
          ...{ seq, stable, pinned, previous, bad: [...bad] },
        }
      },
    )
    app.get(
      '/v1/limits',
      {
        config: { scope: 'read' },
        schema: {
          summary: 'What requests must keep to',
          tags: ['operation'],
          response: answers({ 200: limitsView }),
        },
      },
      async () => {
        const { bytes, pixels, minSide, batch, neighbours, decodeTimeout } = limits
        return {
          ...{ bytes, bodyBytes: bodyLimits(parts).bodyBytes, pixels, minSide, batch, neighbours },
          formats: [...image.formats],
          decodeTimeoutMs: decodeTimeout,
          headerTimeoutMs: http.headerTimeout,
          bodyTimeoutMs: http.bodyTimeout,
          requestsPerMinute: http.rate,
        }
      },
    )
  }
}
