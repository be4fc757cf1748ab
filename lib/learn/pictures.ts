import type { Matrix } from '../engine/matrix.ts'
import { type LayersModel, type Tensor4D, tf } from '../engine/tf.ts'
import { augment } from '../image/augment.ts'
import { augmentationDraws } from '../image/augmentation-draws.ts'
import {
  type AugmentationPreset,
  augmentationPresets,
  type Preprocessing,
} from '../image/options.ts'
import { normalise, pixelTensor, preprocess } from '../image/preprocess.ts'
import { embedMatrix } from '../model/encoder.ts'

/** Where decoded pixels come from, by image id; they are there for every picture of a round. */
export interface PixelSource {
  /** Pixels of the pictures in order, shape [n, size, size, channels], 0–255. */
  read(ids: readonly string[]): Promise<Uint8Array>
}

/** Pictures as networks take them: normalised, shape [n, size, size, channels]. */
export interface Pictures {
  /** Plain views; the caller disposes them. */
  plain(ids: readonly string[]): Promise<Tensor4D>
  /** Views varied as in training, by (id, view, step); the caller disposes them. */
  varied(ids: readonly string[], views: readonly number[], step: number): Promise<Tensor4D>
  /** Views varied harder than in training, and in other ways, for probes. */
  hard(ids: readonly string[], view: number): Promise<Tensor4D>
  /** Embeddings of plain views, in order, shape [n, dim], unit rows. */
  embed(network: LayersModel, ids: readonly string[]): Promise<Matrix>
}

/** Pictures embedded at once. */
const chunk = 128

/** Cuts a list into runs of at most `size`. */
export function* chunks<T>(items: readonly T[], size: number = chunk): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
}

/**
 * Pictures from decoded pixels.
 *
 * @param augmentation - Kind of pictures, which decides how they are varied.
 * @param seed - Of the variation, with image id, view and step.
 */
export function picturesOf(
  pixels: PixelSource,
  preprocessing: Preprocessing,
  augmentation: 'photograph' | 'glyph',
  seed: number,
): Pictures {
  const plain = async (ids: readonly string[]) => preprocess(await pixels.read(ids), preprocessing)
  const vary = async (
    ids: readonly string[],
    views: readonly number[],
    step: number,
    preset: AugmentationPreset,
  ) => {
    const bytes = await pixels.read(ids)
    const settings = augmentationPresets[preset]
    const shown = ids.map((id, i) => ({ id, view: views[i] as number, step }))
    const draws = augmentationDraws(shown, settings, seed)
    return tf.tidy(() =>
      normalise(augment(pixelTensor(bytes, preprocessing), draws, settings), preprocessing),
    )
  }
  return {
    plain,
    varied: (ids, views, step) => vary(ids, views, step, augmentation),
    hard: (ids, view) =>
      vary(
        ids,
        ids.map(() => view),
        0,
        `${augmentation}Probe`,
      ),
    embed: (network, ids) => {
      async function* batches() {
        for (const some of chunks(ids)) yield await plain(some)
      }
      return embedMatrix(network, batches())
    },
  }
}
