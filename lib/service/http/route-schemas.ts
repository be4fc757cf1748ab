import { z } from 'zod'
import { problemSchema } from './problem.ts'

/** What any route may answer: no token, not allowed, too many requests. */
const always = [401, 403, 429]

/**
 * Answers of a route, for its description.
 *
 * @param good - By status, the schema of what is asked for.
 * @param refusals - Further statuses with which it refuses.
 */
export function answers<Good extends Readonly<Record<number, unknown>>>(
  good: Good,
  ...refusals: readonly number[]
): Good {
  const problem = {
    description: 'Refused',
    content: { 'application/problem+json': { schema: problemSchema } },
  }
  const refused = [...refusals, ...always].map((status) => [status, problem])
  return { ...Object.fromEntries(refused), ...good }
}

/** Bytes, for the description alone: they are checked where they are read. */
export const binary: z.ZodUnknown = z.unknown().meta({ type: 'string', format: 'binary' })

/** An answer that is bytes of a media type. */
export const bytesOf = (mediaType: string, description: string) => ({
  description,
  content: { [mediaType]: { schema: binary } },
})

/** What the client has is still true. */
export const unchanged = { description: 'As the ETag says' }

/** Bodies that carry pictures. */
export const pictureContent = {
  'image/*': { schema: binary },
  'multipart/form-data': {
    schema: z.unknown().meta({
      type: 'object',
      properties: { picture: { type: 'string', format: 'binary' } },
    }),
  },
}

/** Parameters of routes. */
export const imageIdParams = z.object({
  id: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex characters'),
})
export const clusterParams = z.object({ id: z.coerce.number().int().min(0) })
export const versionParams = z.object({
  version: z.string().regex(/^(stable|baseline|v\d{1,15}(-[0-9a-f]{0,12})?)$/, {
    message: 'expected a version such as v3, stable or baseline',
  }),
})
