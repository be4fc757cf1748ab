import { EigenvalueDecomposition, Matrix as MlMatrix } from 'ml-matrix'
import type { Matrix } from '../engine/matrix.ts'
import { type LayersModel, tf } from '../engine/tf.ts'
import { ConfigError } from '../errors.ts'
import type { SymbolicTensor } from './inverted-residual.ts'

/** Name of the layer that {@link withHead} adds; the `head` recipe trains it alone. */
export const headName = 'head'

/** Rows that the principal axes are taken from at most: more change nothing that training keeps. */
const sampledRows = 8192

/** First weights of a head: embedding = features · kernel + bias. */
export interface HeadWeights {
  /** Shape [features, dim], row-major. */
  readonly kernel: Float32Array
  /** Shape [dim]. */
  readonly bias: Float32Array
}

/** Mean and standard deviation of every feature, float64. */
function moments(features: Matrix): { mean: Float64Array; deviation: Float64Array } {
  const { rows, dim, data } = features
  const mean = new Float64Array(dim)
  const square = new Float64Array(dim)
  for (let i = 0; i < data.length; i += 1) mean[i % dim] = (mean[i % dim] ?? 0) + (data[i] ?? 0)
  for (let j = 0; j < dim; j += 1) mean[j] = (mean[j] ?? 0) / rows
  for (let i = 0; i < data.length; i += 1) {
    const difference = (data[i] ?? 0) - (mean[i % dim] ?? 0)
    square[i % dim] = (square[i % dim] ?? 0) + difference * difference
  }
  return { mean, deviation: square.map((sum) => Math.sqrt(sum / rows)) }
}

/** Correlations of the features, shape [features, features], as a product on the engine. */
async function correlations(
  features: Matrix,
  mean: Float64Array,
  scale: Float64Array,
): Promise<MlMatrix> {
  const { rows, dim, data } = features
  const every = Math.ceil(rows / sampledRows)
  const sampled = Math.ceil(rows / every)
  const standard = new Float32Array(sampled * dim)
  for (let i = 0; i < sampled; i += 1) {
    for (let j = 0; j < dim; j += 1) {
      const value = (data[i * every * dim + j] ?? 0) - (mean[j] ?? 0)
      standard[i * dim + j] = value * (scale[j] ?? 0)
    }
  }
  const product = tf.tidy(() => {
    const x = tf.tensor2d(standard, [sampled, dim]) // [n, features]
    return tf.div(tf.matMul(tf.transpose(x), x), sampled) // [features, features]
  })
  const values = await product.data()
  product.dispose()
  return MlMatrix.from1DArray(dim, dim, values)
}

/**
 * First weights of a head that already embed well: the principal components of the standardised
 * features.
 *
 * The result does both at once, on features as they come: kernel = axes / deviation, bias =
 * −mean · kernel. A feature that never varies gets no weight.
 *
 * @param features - Output of the frozen network, at least two rows.
 * @param dim - Width of the embedding, 1 to the number of features.
 * @throws {@link ConfigError} if `dim` is out of range or there are too few rows.
 */
export async function pcaHead(features: Matrix, dim: number): Promise<HeadWeights> {
  if (features.rows < 2 || dim < 1 || dim > features.dim) {
    const wanted = `1 to ${features.dim} components of at least 2 rows`
    throw new ConfigError(`pcaHead: expected ${wanted}, got ${dim} of ${features.rows}`)
  }
  const { mean, deviation } = moments(features)
  const scale = deviation.map((value) => (value > 1e-9 ? 1 / value : 0))
  const matrix = await correlations(features, mean, scale)
  const { eigenvectorMatrix: axes } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  }) // columns by rising variance

  const kernel = new Float32Array(features.dim * dim)
  const bias = new Float32Array(dim)
  for (let component = 0; component < dim; component += 1) {
    const axis = axes.getColumn(features.dim - 1 - component)
    // An axis has no sign of its own: its largest entry is made positive, so that runs agree.
    const largest = axis.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0)
    let offset = 0
    for (let j = 0; j < features.dim; j += 1) {
      const weight = (axis[j] ?? 0) * Math.sign(largest) * (scale[j] ?? 0)
      kernel[j * dim + component] = weight
      offset -= weight * (mean[j] ?? 0)
    }
    bias[component] = offset
  }
  return { kernel, bias }
}

/**
 * A network with a linear layer behind its features.
 *
 * @param network - From pictures to features, shape [batch, features]. Its layers become those of
 * the result: dispose the result only.
 * @param dim - Width of the embedding, at least 1.
 * @param init - First weights, of {@link pcaHead}; absent: random, by the engine's own generator.
 * @throws {@link ConfigError} if the network has a head already, or `init` another size.
 */
export function withHead(network: LayersModel, dim: number, init?: HeadWeights): LayersModel {
  if (network.layers.some((layer) => layer.name === headName)) {
    throw new ConfigError(`withHead: expected a network without a layer ${headName}, got one`)
  }
  const features = network.outputShape[1] as number
  if (init !== undefined && (init.kernel.length !== features * dim || init.bias.length !== dim)) {
    const got = `${init.kernel.length} and ${init.bias.length}`
    throw new ConfigError(`withHead: expected ${features * dim} and ${dim} weights, got ${got}`)
  }
  const head = tf.layers.dense({ name: headName, units: dim })
  const output = head.apply(network.outputs[0] as SymbolicTensor) as SymbolicTensor // [batch, dim]
  if (init !== undefined) {
    tf.tidy(() => {
      head.setWeights([tf.tensor2d(init.kernel, [features, dim]), tf.tensor1d(init.bias)])
    })
  }
  return tf.model({ name: network.name, inputs: network.inputs, outputs: output })
}
