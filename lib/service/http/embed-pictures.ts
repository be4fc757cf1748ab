import type { Matrix } from '../../engine/matrix.ts'
import { PipelineError } from '../../errors.ts'
import type { Preprocessing } from '../../image/options.ts'
import type { ServingRelease } from '../serving-release.ts'
import type { HttpParts } from './parts.ts'
import type { BodyLimits } from './read-pictures.ts'

/** A body may fill a quarter of the memory that is there for pictures. */
const bodyShare = 0.25

/** What bodies with pictures must keep to. */
export function bodyLimits({ config }: Pick<HttpParts, 'config'>): BodyLimits {
  const { bytes, batch, queue } = config.limits
  return { bytes, batch, bodyBytes: Math.max(bytes, Math.floor(bodyShare * queue)) }
}

async function decoded(
  { decoders, metrics }: HttpParts,
  bytes: Buffer,
  preprocessing: Preprocessing,
): Promise<Uint8Array> {
  const begun = performance.now()
  try {
    const { pixels } = await decoders.decode(bytes, preprocessing)
    metrics.count('decode_total', { outcome: 'decoded', reason: '' })
    return pixels
  } catch (error) {
    const reason = error instanceof PipelineError ? error.code : 'INTERNAL'
    metrics.count('decode_total', { outcome: 'refused', reason })
    throw error
  } finally {
    metrics.observe('decode_seconds', {}, (performance.now() - begun) / 1000)
  }
}

/**
 * Vectors of pictures of strangers, shape [n, dim].
 *
 * @throws the errors of `decodeImage`, for the first picture that has one.
 */
export async function embedPictures(
  parts: HttpParts,
  release: ServingRelease,
  pictures: readonly Buffer[],
): Promise<Matrix> {
  const pixels = await Promise.all(
    pictures.map((bytes) => decoded(parts, bytes, release.preprocessing)),
  )
  const begun = performance.now()
  const vectors = await release.embed(Buffer.concat(pixels))
  parts.metrics.observe('embed_seconds', {}, (performance.now() - begun) / 1000)
  return vectors
}
