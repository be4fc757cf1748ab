import type { Matrix } from '../engine/matrix.ts'
import { type LayersModel, type Tensor2D, type Tensor4D, tf } from '../engine/tf.ts'
import { chunks, type Pictures } from './pictures.ts'

/** Views of each picture that a head is trained on: the plain one and augmented ones. */
export const headViews = 5

/** Raw features of a frozen backbone, computed once a round. */
export interface HeadFeatures {
  /** Plain views, shape [n, dim]. */
  readonly plain: Matrix
  /** The views of each picture one after the other, shape [n × {@link headViews}, dim]. */
  readonly views: Matrix
}

async function featuresOf(network: LayersModel, images: Tensor4D): Promise<Float32Array> {
  const rows = tf.tidy(() => network.predict(images) as Tensor2D) // [batch, dim]
  try {
    return (await rows.data()) as Float32Array
  } finally {
    tf.dispose([rows, images])
  }
}

/** Features of one plain and four augmented views of every picture. */
export async function headFeatures(
  network: LayersModel,
  pictures: Pictures,
  ids: readonly string[],
): Promise<HeadFeatures> {
  const dim = network.outputShape[1] as number
  const n = ids.length
  const plain = new Float32Array(n * dim)
  const views = new Float32Array(n * headViews * dim)
  for (let view = 0; view < headViews; view += 1) {
    let from = 0
    for (const some of chunks(ids)) {
      const images = await (view === 0
        ? pictures.plain(some)
        : pictures.varied(
            some,
            some.map(() => view),
            0,
          ))
      const rows = await featuresOf(network, images)
      for (let i = 0; i < some.length; i += 1) {
        const row = rows.subarray(i * dim, (i + 1) * dim)
        views.set(row, ((from + i) * headViews + view) * dim)
        if (view === 0) plain.set(row, (from + i) * dim)
      }
      from += some.length
    }
  }
  return {
    plain: { rows: n, dim, data: plain },
    views: { rows: n * headViews, dim, data: views },
  }
}
