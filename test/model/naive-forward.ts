import { randomStream } from '../../lib/engine/random.ts'
import type { LayersModel } from '../../lib/engine/tf.ts'
import type { TorchTensor } from '../../lib/model/torch-weights.ts'

/** A picture or a map of features in torch's order, [channels][height][width], float64. */
export type Planes = readonly (readonly (readonly number[])[])[]

/** Weights by torch's names. */
export type TorchTensors = ReadonlyMap<string, TorchTensor>

/** How a strided convolution pads before and behind, given size, kernel and stride. */
export type Padding = (size: number, kernel: number, stride: number) => readonly [number, number]

/** Torch's own: half a kernel on every side. */
export const evenly: Padding = (_, kernel) => [(kernel - 1) / 2, (kernel - 1) / 2]
/** TensorFlow's `same`: as much as the output needs, the odd one behind. */
export const asNeeded: Padding = (size, kernel, stride) => {
  const total = Math.max((Math.ceil(size / stride) - 1) * stride + kernel - size, 0)
  return [Math.floor(total / 2), Math.ceil(total / 2)]
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i)

/** Convolution by the textbook loops; depthwise where the kernel has one input channel. */
export function convolve(
  x: Planes,
  { shape, data }: TorchTensor,
  stride: number,
  pad: Padding,
): number[][][] {
  const [filters = 0, inputs = 0, kernel = 0] = shape
  const size = x[0]?.length ?? 0
  const [before, behind] = pad(size, kernel, stride)
  const outputs = range(Math.floor((size + before + behind - kernel) / stride) + 1)
  const isDepthwise = inputs === 1 && x.length > 1
  return range(filters).map((f) =>
    outputs.map((i) =>
      outputs.map((j) => {
        let sum = 0
        for (let c = 0; c < inputs; c += 1) {
          const plane = x[isDepthwise ? f : c] ?? []
          for (let u = 0; u < kernel; u += 1) {
            for (let v = 0; v < kernel; v += 1) {
              const pixel = plane[i * stride + u - before]?.[j * stride + v - before] ?? 0
              sum += pixel * (data[((f * inputs + c) * kernel + u) * kernel + v] ?? 0)
            }
          }
        }
        return sum
      }),
    ),
  )
}

const mapped = (x: Planes, change: (value: number, channel: number) => number): Planes =>
  x.map((plane, c) => plane.map((row) => row.map((value) => change(value, c))))

/** Batch norm with running statistics. */
export function norm(x: Planes, tensors: TorchTensors, name: string, epsilon: number): Planes {
  const of = (weight: string, c: number) => tensors.get(`${name}.${weight}`)?.data[c] ?? Number.NaN
  return mapped(x, (value, c) => {
    const scale = of('weight', c) / Math.sqrt(of('running_var', c) + epsilon)
    return (value - of('running_mean', c)) * scale + of('bias', c)
  })
}

export const relu6 = (x: Planes): Planes => mapped(x, (value) => Math.min(Math.max(value, 0), 6))

export const add = (x: Planes, y: Planes): Planes =>
  x.map((plane, c) => plane.map((row, i) => row.map((v, j) => v + (y[c]?.[i]?.[j] ?? 0))))

export const pool = (x: Planes): number[] =>
  x.map((plane) => {
    const values = plane.flat()
    return values.reduce((a, b) => a + b, 0) / values.length
  })

/** Random weights of the shapes that a network has, in torch's order and under torch's names. */
export function randomTorchTensors(network: LayersModel, prefix = ''): Map<string, TorchTensor> {
  const random = randomStream(1, 'torch tensors')
  const draw = (shape: readonly number[], mean: number, spread: number): TorchTensor => {
    const length = shape.reduce((a, b) => a * b, 1)
    return { shape, data: Float32Array.from(range(length), () => mean + spread * random.normal()) }
  }
  const tensors = new Map<string, TorchTensor>()
  for (const layer of network.layers.filter(({ weights }) => weights.length > 0)) {
    const name = `${prefix}${layer.name}`
    const [height = 0, width = 0, inputs = 0, outputs = 0] = layer.weights
      .slice(0, 1)
      .flatMap(({ shape }) => shape as number[])
    if (layer.getClassName() === 'BatchNormalization') {
      tensors.set(`${name}.weight`, draw([height], 1, 0.1))
      tensors.set(`${name}.bias`, draw([height], 0.1, 0.2))
      tensors.set(`${name}.running_mean`, draw([height], 0, 0.1))
      tensors.set(`${name}.running_var`, draw([height], 1, 0.1))
    } else if (layer.getClassName() === 'DepthwiseConv2D') {
      tensors.set(`${name}.weight`, draw([inputs, 1, height, width], 0, 1 / height))
    } else {
      const spread = Math.sqrt(2 / (height * width * inputs))
      tensors.set(`${name}.weight`, draw([outputs, inputs, height, width], 0, spread))
    }
  }
  return tensors
}

/** A random picture of a side, as planes and as the numbers of [1, side, side, 3]. */
export function randomPicture(side: number): { planes: Planes; pixels: Float32Array } {
  const random = randomStream(2, 'picture')
  const planes = range(3).map(() => range(side).map(() => range(side).map(() => random.normal())))
  const pixels = Float32Array.from(range(side * side * 3), (i) => {
    const pixel = Math.floor(i / 3)
    return planes[i % 3]?.[Math.floor(pixel / side)]?.[pixel % side] ?? 0
  })
  return { planes, pixels }
}
