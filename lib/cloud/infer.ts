import { z } from 'zod'
import type { Matrix } from '../engine/matrix.ts'
import { InputError, MissingError } from '../errors.ts'
import { decodeImage } from '../image/decode.ts'
import type { ImageLimits } from '../image/options.ts'
import type { StampedVectors } from '../search/types.ts'
import { problemOf } from '../service/http/problem.ts'
import type { StableRelease, StableReleases } from './stable-release.ts'

/** A request, whatever carried it. */
export interface InferRequest {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array
}

/** Its answer: JSON. */
export interface InferAnswer {
  readonly status: number
  readonly contentType: 'application/json' | 'application/problem+json'
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** What {@link infer} needs. */
export interface InferParts {
  readonly releases: StableReleases
  readonly limits: ImageLimits
  /** Neighbours in one answer. */
  readonly maxNeighbours: number
  /** Bytes of an object in the bucket for uploads; absent if there is none. */
  readonly readUpload: (key: string, maxBytes: number) => Promise<Uint8Array | undefined>
}

/** Longest vector that a model may have. */
const maxDim = 4_096
/** How far from 1 the length of a vector may be that went through decimal digits. */
const lengthTolerance = 1e-2

const bodySchema = z.union([
  z.strictObject({ upload: z.string().min(1).max(1_024) }),
  z.strictObject({
    vector: z.array(z.number()).min(1).max(maxDim),
    model: z.string().max(100),
    preprocessing: z.string().max(100),
  }),
])
const kSchema = z.coerce.number().pipe(z.int().min(1)).default(10)

type JsonBody = z.infer<typeof bodySchema>

/** A body that is JSON; absent for a picture as it is. */
function jsonOf(body: Uint8Array): JsonBody | undefined {
  if (body[0] !== 0x7b) return undefined
  try {
    return bodySchema.parse(JSON.parse(new TextDecoder().decode(body)))
  } catch (cause) {
    const message = 'body: expected a picture, { upload } or { vector, model, preprocessing }'
    throw new InputError(`${message}, got other JSON`, { cause })
  }
}

async function vectorsOf(
  { limits, readUpload }: InferParts,
  { model }: StableRelease,
  body: Uint8Array,
  json: JsonBody | undefined,
): Promise<StampedVectors> {
  const stamp = { version: model.version, preprocessingHash: model.preprocessingHash }
  if (json !== undefined && 'vector' in json) {
    const { vector, model: version, preprocessing: preprocessingHash } = json
    const length = Math.hypot(...vector)
    if (Math.abs(length - 1) > lengthTolerance) {
      throw new InputError(`vector: expected length 1, got ${length}`, { reason: 'length' })
    }
    const vectors = { rows: 1, dim: vector.length, data: Float32Array.from(vector) }
    return { version, preprocessingHash, vectors }
  }
  const bytes = json === undefined ? body : await readUpload(json.upload, limits.bytes)
  if (bytes === undefined) {
    throw new MissingError(`upload ${json?.upload}: expected an object, there is none`)
  }
  const { pixels } = await decodeImage(bytes, limits, model.preprocessing)
  return { ...stamp, vectors: await model.embed(pixels) }
}

async function embed(parts: InferParts, release: StableRelease, body: Uint8Array) {
  const json = jsonOf(body)
  if (json !== undefined && 'vector' in json) {
    throw new InputError('body: expected a picture, got a vector', { reason: 'vector' })
  }
  const { vectors } = await vectorsOf(parts, release, body, json)
  return { embedding: rowOf(vectors) }
}

async function search(parts: InferParts, release: StableRelease, { body, query }: InferRequest) {
  const asked = kSchema.safeParse(query['k'])
  if (!asked.success || asked.data > parts.maxNeighbours) {
    const limit = parts.maxNeighbours
    const message = `k: expected a whole number from 1 to ${limit}, got ${query['k']}`
    throw new InputError(message, { reason: 'neighbours', limit })
  }
  const { index, calibration, generation } = release
  if (index instanceof Error) throw index
  const queries = await vectorsOf(parts, release, body, jsonOf(body))
  const [found = []] = await index.search(queries, asked.data)
  const neighbours = found.map(({ id, similarity }) => {
    if (calibration === undefined) return { id, similarity }
    const { alpha, beta } = calibration
    return { id, similarity, pSame: 1 / (1 + Math.exp(-(similarity - alpha) / beta)) }
  })
  return { neighbours, generation, exact: true }
}

const rowOf = ({ data }: Matrix): number[] => Array.from(data)

/**
 * Answers `POST /v1/embed` and `POST /v1/search` as the service `serve` does, from the release that
 * `stable` names. The body is a picture as it is, `{ upload }` with the key of one in the bucket
 * for uploads, or, to search, `{ vector, model, preprocessing }`.
 *
 * Never throws: what goes wrong is an answer, told to `report` too.
 */
export async function infer(
  parts: InferParts,
  request: InferRequest,
  report: (error: unknown) => void,
): Promise<InferAnswer> {
  try {
    const { method, path } = request
    const route = method === 'POST' ? path.replace(/\/$/, '') : ''
    if (route !== '/v1/embed' && route !== '/v1/search') {
      const message = `${method} ${path}: expected POST /v1/embed or POST /v1/search`
      throw new MissingError(message, { reason: 'route' })
    }
    const release = await parts.releases.current()
    const { version, preprocessingHash } = release.model
    const answer =
      route === '/v1/embed'
        ? await embed(parts, release, request.body)
        : await search(parts, release, request)
    return {
      status: 200,
      contentType: 'application/json',
      headers: { 'x-request-id': request.id },
      body: { ...answer, model: version, preprocessing: preprocessingHash },
    }
  } catch (error) {
    report(error)
    const problem = problemOf(error, request.id)
    return {
      status: problem.status,
      contentType: 'application/problem+json',
      headers: {
        'x-request-id': request.id,
        ...(problem.status === 503 && { 'retry-after': '5' }),
      },
      body: problem,
    }
  }
}
