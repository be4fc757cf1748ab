import type { Clock } from '../registry/clock.ts'
import type { Generation } from '../search/generation.ts'
import { blocksByAge, soundBlock } from '../search/load-generation.ts'
import type { Pipeline } from './open-pipeline.ts'
import type { ServedModel } from './served-model.ts'
import { storedPixels } from './stored-pixels.ts'

/** Pictures that are embedded to learn how long one takes. */
const sampled = 256

/**
 * Time that this machine takes for one picture of an index: read, decoded and embedded, ms.
 *
 * @returns `undefined` if none of those tried is stored any more.
 */
export async function embeddingPace(
  { blobs, config }: Pick<Pipeline, 'blobs' | 'config'>,
  generation: Generation,
  model: Pick<ServedModel, 'embed' | 'preprocessing'>,
  clock: Pick<Clock, 'now'>,
): Promise<number | undefined> {
  const newest = blocksByAge(generation).at(-1)
  const block = newest && (await soundBlock(blobs, generation, newest))
  const ids = block?.ids.slice(0, sampled) ?? []
  const began = clock.now()
  let done = 0
  for await (const run of storedPixels(blobs, config, model.preprocessing, ids)) {
    if (run.ids.length > 0) await model.embed(run.pixels)
    done += run.ids.length
  }
  return done === 0 ? undefined : (clock.now() - began) / done
}
