import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { configSchema } from '../../lib/config/schema.ts'
import type { Engine } from '../../lib/engine/select.ts'
import { selectEngine } from '../../lib/engine/select.ts'
import { MissingError } from '../../lib/errors.ts'
import type { Preprocessing } from '../../lib/image/options.ts'
import { pixelBytes } from '../../lib/image/preprocessing.ts'
import type { PixelSource } from '../../lib/learn/pictures.ts'
import { type Baseline, makeBaseline } from '../../lib/service/baseline.ts'
import { backboneCacheFolder } from '../../lib/service/cache-folder.ts'
import { decodeFiles } from '../../lib/service/decode-files.ts'
import { classNumbers } from '../../lib/service/evaluate.ts'
import { labelledPictures } from '../../lib/service/labelled-folder.ts'
import { preprocessingOf } from '../../lib/service/settings.ts'

const shared = resolve('../shared')

/** A labelled set of pictures, its network, and which classes a stream may show. */
export interface SetOfPictures {
  readonly folder: string
  readonly backbone: string
  readonly size: number
  readonly channels: 'rgb' | 'grey'
  /** Whether the stream shows a class, by its folder's path within the set; others only measure. */
  readonly isStreamed: (name: string) => boolean
}

/** Alphabets whose characters are streamed: 117; the 125 of the others are never seen. */
const streamedAlphabets = ['Balinese', 'Early_Aramaic', 'Greek', 'Japanese_(katakana)']

const grocery = (backbone: string, size: number): SetOfPictures => ({
  folder: join(shared, 'data/grocery-64'),
  backbone,
  size,
  channels: 'rgb',
  isStreamed: (name) => Number.parseInt(name, 10) % 2 === 0,
})

/** The sets that everything is measured on. */
export const sets = {
  omniglot: {
    folder: join(shared, 'data/omniglot/images'),
    backbone: 'conv4',
    size: 28,
    channels: 'grey',
    isStreamed: (name) => streamedAlphabets.includes(dirname(name)),
  },
  grocery: grocery(join(shared, 'models/mobilenet_v1_0.25_128'), 64),
  'grocery-0.5': grocery(join(shared, 'models/mobilenet_v1_0.5_160'), 64),
  'grocery-v2': grocery('mobilenet-v2', 96),
  'grocery-lite0': grocery('efficientnet-lite0', 96),
} satisfies Readonly<Record<string, SetOfPictures>>

/** Name of a set. */
export type SetName = keyof typeof sets

/** A set, decoded, with an engine and the frozen backbone. */
export interface Task {
  readonly name: SetName
  readonly engine: Engine
  readonly baseline: Baseline
  readonly preprocessing: Preprocessing
  /** Reads by row number, written as text. */
  readonly pixels: PixelSource
  /** True class of each row; never read by training unless it is supervised, shape [n]. */
  readonly labels: Int32Array
  /** Rows of classes that the stream shows, and of those that only measure. */
  readonly streamed: readonly number[]
  readonly unseen: readonly number[]
}

/**
 * Decodes a set.
 *
 * @throws {@link MissingError} if the pictures are not beside the checkout.
 */
export async function openTask(name: SetName): Promise<Task> {
  const set: SetOfPictures = sets[name]
  if (!existsSync(set.folder)) {
    throw new MissingError(`${name}: expected pictures at ${set.folder}, found none`)
  }
  const engine = await selectEngine('auto')
  const { backbone, size, channels } = set
  const config = configSchema.parse({ model: { backbone }, image: { size, channels } })
  const baseline = await makeBaseline(
    { backbone, size, channels, cacheFolder: backboneCacheFolder() },
    () => undefined,
  )
  const preprocessing = preprocessingOf(config, engine, baseline)
  const found = await labelledPictures(set.folder, 'folders')
  const files = await decodeFiles(
    found.map(({ path }) => path),
    config,
    preprocessing,
  )
  const names = files.rows.map((row) => found[row]?.class ?? '')
  const rows = [...names.keys()]
  const each = pixelBytes(preprocessing)
  const read = async (ids: readonly string[]) => {
    const result = new Uint8Array(ids.length * each)
    for (const [i, id] of ids.entries()) {
      const row = Number(id)
      result.set(files.pixels.subarray(row * each, (row + 1) * each), i * each)
    }
    return result
  }
  return {
    name,
    engine,
    baseline,
    preprocessing,
    pixels: { read },
    labels: classNumbers(names),
    streamed: rows.filter((row) => set.isStreamed(names[row] as string)),
    unseen: rows.filter((row) => !set.isStreamed(names[row] as string)),
  }
}
