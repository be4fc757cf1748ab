import type { Matrix } from '../engine/matrix.ts'
import { expectShape } from '../engine/shape.ts'
import { type LayersModel, type Tensor, type Tensor2D, type Tensor4D, tf } from '../engine/tf.ts'

/** Smallest norm that a row is divided by: a row of zeros stays one. */
const epsilon = 1e-12

/** How {@link encode} runs a network. */
export interface EncodeOptions {
  /**
   * Whether batch norms use and update the statistics of the batch. Default false: running
   * statistics stay as they are, while affine weights still get gradients.
   */
  readonly training?: boolean
}

/** How {@link embedMatrix} makes vectors. */
export interface EmbedOptions {
  /** Mean of the normalised outputs, shape [dim]: vectors are centred on it. Default: not centred. */
  readonly mean?: Float32Array
}

/** Rows scaled to unit norm, shape [batch, dim]; rows of zeros stay zero. */
function unitRows(rows: Tensor2D): Tensor2D {
  // The maximum under the root, whose slope at 0 is infinite.
  const squares = tf.maximum(tf.sum(tf.square(rows), 1, true), epsilon ** 2) // [batch, 1]
  return tf.div(rows, tf.sqrt(squares)) // [batch, dim]
}

/**
 * Embeddings of a batch: the network's output scaled to unit norm.
 *
 * Differentiable in the network's weights. The norm is taken here and not by a layer, so that a
 * published network consists of stock layers only.
 *
 * @param network - From pictures to features, shape [batch, dim].
 * @param images - Normalised pictures, shape [batch, height, width, channels].
 * @returns Shape [batch, dim], float32, unit-norm rows. The caller disposes it.
 * @throws {@link ShapeError} if the network gives anything but rows.
 */
export function encode(
  network: LayersModel,
  images: Tensor4D,
  options: EncodeOptions = {},
): Tensor2D {
  return tf.tidy(() => {
    const features = network.apply(images, { training: options.training ?? false }) as Tensor
    expectShape('encode', 'network output', features, [images.shape[0], null])
    return unitRows(features as Tensor2D) // [batch, dim]
  })
}

/**
 * Vectors of many pictures, batch by batch: norm(norm(network output) − mean).
 *
 * Batches pass one at a time, so that memory holds one of them and the result.
 *
 * @param batches - Normalised pictures, shape [batch, height, width, channels] each. Each batch is
 * disposed once it is embedded: it must be nobody else's.
 * @returns Vectors in the order of the batches, unit-norm rows.
 * @throws {@link ShapeError} if the network gives anything but rows, or `mean` another length.
 */
export async function embedMatrix(
  network: LayersModel,
  batches: Iterable<Tensor4D> | AsyncIterable<Tensor4D>,
  options: EmbedOptions = {},
): Promise<Matrix> {
  const { mean } = options
  const parts: Float32Array[] = []
  let dim = network.outputShape[1] as number
  let rows = 0
  for await (const images of batches) {
    const vectors = tf.tidy(() => {
      try {
        const embeddings = encode(network, images) // [batch, dim]
        if (mean === undefined) return embeddings
        const centre = tf.tensor1d(mean) // [dim]
        expectShape('embedMatrix', 'mean', centre, [embeddings.shape[1]])
        return unitRows(tf.sub(embeddings, centre)) // [batch, dim]
      } finally {
        images.dispose()
      }
    })
    try {
      parts.push((await vectors.data()) as Float32Array)
      rows += vectors.shape[0]
      dim = vectors.shape[1]
    } finally {
      vectors.dispose()
    }
  }
  const data = new Float32Array(rows * dim)
  let at = 0
  for (const part of parts) {
    data.set(part, at)
    at += part.length
  }
  return { rows, dim, data }
}
