import { cluster } from '../cluster/cluster.ts'
import type { Matrix } from '../engine/matrix.ts'
import { randomStream } from '../engine/random.ts'
import type { LayersModel } from '../engine/tf.ts'
import type { Preprocessing } from '../image/options.ts'
import { preprocess } from '../image/preprocess.ts'
import { surprise } from '../learn/drift.ts'
import { chunks } from '../learn/pictures.ts'
import { embedMatrix } from '../model/encoder.ts'

/** A clustering by the frozen backbone, and how surprising other pictures are to it. */
export interface DriftReference {
  readonly centroids: Matrix
  readonly mean: Float32Array
  /** One number a picture of the other half. */
  readonly surprises: readonly number[]
}

/** Pictures that the reference is made from, at most. */
const referencePictures = 4_000

/** Clusters one half of the pictures, and measures the other half against it. */
export async function driftReference(
  network: LayersModel,
  preprocessing: Preprocessing,
  readPixels: (ids: readonly string[]) => Promise<Uint8Array>,
  ids: readonly string[],
  k: number,
  seed: number,
): Promise<DriftReference> {
  const some = randomStream(seed, 'drift-reference').shuffled(ids).slice(0, referencePictures)
  async function* batches() {
    for (const chunk of chunks(some)) yield preprocess(await readPixels(chunk), preprocessing)
  }
  const { dim, data } = await embedMatrix(network, batches())
  const half = Math.floor(some.length / 2)
  const fitted = { rows: half, dim, data: data.slice(0, half * dim) }
  const { centroids, mean } = await cluster(fitted, { k: Math.min(k, Math.max(1, half)), seed })
  const surprises = Array.from({ length: some.length - half }, (_, i) =>
    surprise({ centroids, mean }, data.subarray((half + i) * dim, (half + i + 1) * dim)),
  )
  return { centroids, mean, surprises }
}
