import type { Matrix } from '../../engine/matrix.ts'
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
  const { decoders, metrics } = parts
  const pixels = await Promise.all(
    pictures.map(async (bytes) => (await decoders.decode(bytes, release.preprocessing)).pixels),
  )
  const begun = performance.now()
  const vectors = await release.embed(Buffer.concat(pixels))
  metrics.observe('embed_seconds', {}, (performance.now() - begun) / 1000)
  return vectors
}
