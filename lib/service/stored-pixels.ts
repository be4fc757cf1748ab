import { availableParallelism } from 'node:os'
import type { Config } from '../config/schema.ts'
import type { Preprocessing } from '../image/options.ts'
import { pixelBytes } from '../image/preprocessing.ts'
import { chunks } from '../learn/pictures.ts'
import type { BlobStore } from '../store/types.ts'
import { decoders } from './decoders.ts'
import { isDataError } from './quarantine.ts'
import { limitsOf } from './settings.ts'

/** Pictures out of the store, decoded again. */
export interface PixelRun {
  /** Those that the store still has, in the order asked for. */
  readonly ids: readonly string[]
  /** Shape [ids, size, size, channels], one after another. */
  readonly pixels: Uint8Array
}

const decodedAtOnce = 128

/**
 * Decodes stored pictures, a run of them at a time, without the cache of the learner, which has
 * one writer. Pictures that the store no longer has, or that do not decode, are left out.
 *
 * @throws the error of a store or decoder that is out of order.
 */
export async function* storedPixels(
  blobs: BlobStore,
  config: Config,
  preprocessing: Preprocessing,
  ids: readonly string[],
): AsyncGenerator<PixelRun> {
  const pool = decoders({
    processes: availableParallelism(),
    limits: limitsOf(config),
    preprocessing,
  })
  const one = async (id: string): Promise<Uint8Array | undefined> => {
    const bytes = await blobs.get('pictures', id, { maxBytes: config.limits.bytes })
    if (bytes === undefined) return undefined
    try {
      return (await pool.decode(bytes)).pixels
    } catch (error) {
      if (isDataError(error)) return undefined
      throw error
    }
  }
  const each = pixelBytes(preprocessing)
  try {
    for (const some of chunks(ids, decodedAtOnce)) {
      const decoded = await Promise.all(some.map(one))
      const found = some.filter((_, i) => decoded[i] !== undefined)
      const pixels = new Uint8Array(found.length * each)
      for (const [i, picture] of decoded.filter((one) => one !== undefined).entries()) {
        pixels.set(picture, i * each)
      }
      yield { ids: found, pixels }
    }
  } finally {
    await pool.close()
  }
}
