import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Matrix } from '../../engine/matrix.ts'
import { BusyError, InputError } from '../../errors.ts'
import { probabilitySame } from '../../metric/calibration.ts'
import type { Neighbour, StampedVectors } from '../../search/types.ts'
import type { ServingRelease, ServingReleases } from '../serving-release.ts'
import { bodyLimits, embedPictures } from './embed-pictures.ts'
import type { Erased } from './erased.ts'
import type { HttpParts } from './parts.ts'
import { pictureParser, readPictures } from './read-pictures.ts'
import { answers, pictureContent } from './route-schemas.ts'
import { stampHeaders } from './stamp-headers.ts'
import type { HttpApp } from './zod-types.ts'

const searchQuery = z.object({
  k: z.coerce.number().int().min(1).default(10).describe('Neighbours'),
  release: z.enum(['stable', 'previous']).default('stable'),
})

/** Longest vector that a model may have. */
const maxDim = 4_096
const vectorBody = z.strictObject({
  vector: z.array(z.number()).min(1).max(maxDim).describe('Of unit length'),
  model: z.string().max(100).describe('What made it, as the answer to /v1/embed says'),
  preprocessing: z.string().max(100),
})

const searchView = z.object({
  neighbours: z.array(
    z.object({
      id: z.string(),
      similarity: z.number().describe('Cosine; not comparable from one release to another'),
      pSame: z
        .number()
        .nullable()
        .describe('Probability of the same kind; comparable; null where it was not fitted'),
      cluster: z
        .number()
        .int()
        .nullable()
        .describe('As of the last round; null for a picture that is in none'),
    }),
  ),
  model: z.string(),
  preprocessing: z.string(),
  generation: z.string().optional(),
  exact: z.literal(true),
})

/** How far from 1 the length of a vector may be that went through decimal digits. */
const lengthTolerance = 1e-2

function expectUnit(vector: readonly number[], { dim, version }: ServingRelease): Matrix {
  const got = vector.length
  if (got !== dim) {
    const message = `vector: expected ${dim} numbers for ${version}, got ${got}`
    throw new InputError(message, { reason: 'dim', limit: dim, got })
  }
  const length = Math.hypot(...vector)
  if (Math.abs(length - 1) > lengthTolerance) {
    throw new InputError(`vector: expected length 1, got ${length}`, { reason: 'length' })
  }
  return { rows: 1, dim, data: Float32Array.from(vector) }
}

/** Searches by picture, or by the vector of one. */
export function searchRoutes(parts: HttpParts, erased: Pick<Erased, 'has'>) {
  const limits = { ...bodyLimits(parts), batch: 1 }
  const { neighbours: mostNeighbours } = parts.config.limits

  async function query(request: FastifyRequest, release: ServingRelease): Promise<StampedVectors> {
    const { version, preprocessingHash } = release
    const isJson = typeof request.body === 'object' && !Buffer.isBuffer(request.body)
    if (!isJson || request.isMultipart()) {
      const pictures = await readPictures(request, limits)
      return { version, preprocessingHash, vectors: await embedPictures(parts, release, pictures) }
    }
    const { vector, model, preprocessing } = request.body as z.infer<typeof vectorBody>
    const stamp = { version: model, preprocessingHash: preprocessing }
    // Of another model it may have another length: that it is another model says more.
    const isOther = model !== version || preprocessing !== preprocessingHash
    const row = { rows: 1, dim: vector.length, data: Float32Array.from(vector) }
    return { ...stamp, vectors: isOther ? row : expectUnit(vector, release) }
  }

  async function described(release: ServingRelease, all: readonly Neighbour[]) {
    // The index lets go of erased pictures in its own time; nobody is shown them meanwhile.
    const found = all.filter(({ id }) => !erased.has(id))
    const [clusters, calibration] = await Promise.all([
      parts.store.clustersOf({ ids: found.map(({ id }) => id) }),
      parts.store.calibration({ version: release.version }),
    ])
    return found.map(({ id, similarity }) => ({
      id,
      // Rows have unit length but for rounding, and so may their product exceed 1.
      similarity: Math.min(1, Math.max(-1, similarity)),
      pSame: calibration === undefined ? null : probabilitySame(similarity, calibration),
      cluster: clusters[id] ?? null,
    }))
  }

  function releaseOf(name: 'stable' | 'previous'): Pick<ServingReleases, 'use'> {
    if (name === 'stable') return parts.releases
    if (parts.previous !== undefined) return parts.previous
    throw new BusyError('release: expected the previous one in memory, got the stable one alone', {
      reason: 'no-previous',
      retryable: true,
    })
  }

  return async (app: HttpApp): Promise<void> => {
    app.addContentTypeParser('*', pictureParser(limits))
    app.post(
      '/v1/search',
      {
        config: { scope: 'read' },
        schema: {
          summary: 'The most similar pictures; exact',
          tags: ['pictures'],
          querystring: searchQuery,
          body: { content: { 'application/json': { schema: vectorBody }, ...pictureContent } },
          response: answers({ 200: searchView }, 400, 409, 413, 415, 422, 503),
        },
      },
      async (request, reply) => {
        const { k, release: name } = request.query
        if (k > mostNeighbours) {
          const message = `k: expected at most ${mostNeighbours} neighbours, got ${k}`
          throw new InputError(message, { reason: 'neighbours', limit: mostNeighbours, got: k })
        }
        return releaseOf(name).use(async (release) => {
          const asked = await query(request, release)
          const begun = performance.now()
          const [found = []] = await release.search(asked, k)
          parts.metrics.observe('search_seconds', {}, (performance.now() - begun) / 1000)
          reply.headers(stampHeaders(release))
          const { version: model, preprocessingHash: preprocessing, generation } = release
          const neighbours = await described(release, found)
          return { neighbours, model, preprocessing, generation, exact: true as const }
        })
      },
    )
  }
}
