import { z } from 'zod'
import type { HttpParts } from './parts.ts'
import { bytesOf } from './route-schemas.ts'
import type { HttpApp } from './zod-types.ts'

const healthView = z.object({ ok: z.boolean(), notes: z.array(z.string()) })

/** The description of a port, made from its own routes. */
export function openApiRoutes() {
  return async (app: HttpApp): Promise<void> => {
    const schema = { summary: 'This description', tags: ['operation'], security: [] }
    app.get('/openapi.json', { schema }, async () => app.swagger())
  }
}

/** For those who run it: no token, and never on the data port. */
export function operationRoutes(
  { metrics, health }: Pick<HttpParts, 'metrics' | 'health'>,
  isDraining: () => boolean,
) {
  return async (app: HttpApp): Promise<void> => {
    const described = (summary: string) => ({
      schema: {
        summary,
        tags: ['operation'],
        security: [],
        response: { 200: healthView, 503: healthView },
      },
    })
    app.get('/health/live', described('Whether the process lives'), async (_, reply) => {
      const { isLive, notes } = health()
      return reply.code(isLive ? 200 : 503).send({ ok: isLive, notes: [...notes] })
    })
    app.get('/health/ready', described('Whether it may be given requests'), async (_, reply) => {
      const { isReady, notes } = health()
      const ok = isReady && !isDraining()
      const all = [...(isDraining() ? ['stopping'] : []), ...notes]
      return reply.code(ok ? 200 : 503).send({ ok, notes: all })
    })
    app.get(
      '/metrics',
      {
        schema: {
          summary: 'For Prometheus',
          tags: ['operation'],
          security: [],
          response: { 200: bytesOf('text/plain', 'Metrics') },
        },
      },
      async (_, reply) => reply.type(metrics.contentType).send(await metrics.text()),
    )
  }
}
