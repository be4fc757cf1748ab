import { type Tensor, type Tensor2D, type Tensor4D, tf } from '../../lib/engine/tf.ts'
import * as naive from './naive.ts'

/** An operation, and the float64 loops that say what it is. */
export interface Operation {
  readonly name: string
  /** Shapes of its arguments. */
  readonly shapes: readonly (readonly number[])[]
  /** Values of the arguments lie in this range. Default [-1, 1]. */
  readonly range?: readonly [number, number]
  /** Whether an engine without convolution gradients lacks the gradient of this one too. */
  readonly isTrainedNatively?: boolean
  readonly run: (...tensors: Tensor[]) => Tensor
  readonly naive: (...plain: naive.Plain[]) => number[]
}

const map = [2, 5, 6, 3]
const rows = [4, 5]

const unary = (
  name: string,
  run: (x: Tensor) => Tensor,
  f: (value: number) => number,
  range: readonly [number, number] = [-1, 1],
): Operation => ({
  name,
  shapes: [rows],
  range,
  run: run as Operation['run'],
  naive: (x) => x.values.map(f),
})

const binary = (
  name: string,
  run: (a: Tensor, b: Tensor) => Tensor,
  f: (a: number, b: number) => number,
  range: readonly [number, number] = [-1, 1],
): Operation => ({
  name: `${name} of a matrix and a row`,
  shapes: [rows, [5]],
  range,
  run: run as Operation['run'],
  naive: (a, b) => a.values.map((value, i) => f(value, b.values[i % 5] as number)),
})

const extreme = (
  name: string,
  run: (a: Tensor, b: Tensor) => Tensor,
  f: (a: number, b: number) => number,
): Operation => ({
  name: `${name} of two matrices`,
  shapes: [rows, rows],
  run: run as Operation['run'],
  naive: (a, b) => a.values.map((value, i) => f(value, b.values[i] as number)),
})

/** Folds each row of [rows, columns] into a number. */
const byRow = (x: naive.Plain, fold: (row: readonly number[]) => number): number[] => {
  const [n = 0, columns = 0] = x.shape
  return Array.from({ length: n }, (_, i) => fold(x.values.slice(i * columns, (i + 1) * columns)))
}
const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)

const convolutions = (['same', 'valid'] as const).flatMap((padding) =>
  [1, 2].flatMap((stride): Operation[] => [
    {
      name: `conv2d, ${padding}, stride ${stride}`,
      shapes: [map, [3, 3, 3, 2]],
      isTrainedNatively: true,
      run: (x, filter) => tf.conv2d(x as Tensor4D, filter as Tensor4D, stride, padding),
      naive: (x, filter) => naive.conv2d(x, filter, stride, padding),
    },
    {
      name: `depthwise convolution, ${padding}, stride ${stride}`,
      shapes: [map, [3, 3, 3, 1]],
      isTrainedNatively: true,
      run: (x, filter) => tf.depthwiseConv2d(x as Tensor4D, filter as Tensor4D, stride, padding),
      naive: (x, filter) => naive.depthwise(x, filter, stride, padding),
    },
    {
      name: `max pooling, ${padding}, stride ${stride}`,
      shapes: [map],
      isTrainedNatively: true,
      run: (x) => tf.maxPool(x as Tensor4D, 2, stride, padding),
      naive: (x) => naive.maxPool(x, 2, stride, padding),
    },
  ]),
)

/** Every operation with a gradient that losses and networks are made of. */
export const operations: readonly Operation[] = [
  unary('relu', tf.relu, (v) => Math.max(0, v)),
  unary('relu6', tf.relu6, (v) => Math.min(6, Math.max(0, v)), [-9, 9]),
  unary('exp', tf.exp, Math.exp),
  unary('expm1', tf.expm1, Math.expm1),
  unary('log', tf.log, Math.log, [0.2, 3]),
  unary('log1p', tf.log1p, Math.log1p, [-0.5, 3]),
  unary('sqrt', tf.sqrt, Math.sqrt, [0.2, 3]),
  unary('square', tf.square, (v) => v * v),
  unary('neg', tf.neg, (v) => -v),
  unary('sigmoid', tf.sigmoid, (v) => 1 / (1 + Math.exp(-v)), [-4, 4]),
  unary('softplus', tf.softplus, (v) => Math.log1p(Math.exp(v)), [-4, 4]),
  unary(
    'clipByValue',
    (x) => tf.clipByValue(x, -0.5, 0.5),
    (v) => Math.min(0.5, Math.max(-0.5, v)),
  ),
  binary('add', tf.add, (a, b) => a + b),
  binary('sub', tf.sub, (a, b) => a - b),
  binary('mul', tf.mul, (a, b) => a * b),
  binary('div', tf.div, (a, b) => a / b, [0.5, 2]),
  // TensorFlow.js has no slope for a row that is repeated here.
  extreme('maximum', tf.maximum, Math.max),
  extreme('minimum', tf.minimum, Math.min),
  {
    name: 'where',
    shapes: [rows, rows],
    run: (a, b) => tf.where(tf.equal(tf.mod(tf.range(0, 5), 2), 0), a, b as Tensor),
    naive: (a, b) => a.values.map((v, i) => ((i % 5) % 2 === 0 ? v : (b.values[i] as number))),
  },
  {
    name: 'matMul',
    shapes: [rows, [5, 3]],
    run: (a, b) => tf.matMul(a as Tensor2D, b as Tensor2D),
    naive: naive.matMul,
  },
  {
    name: 'sum of rows',
    shapes: [rows],
    run: (x) => tf.sum(x, 1),
    naive: (x) => byRow(x, total),
  },
  {
    name: 'mean of rows',
    shapes: [rows],
    run: (x) => tf.mean(x, 1),
    naive: (x) => byRow(x, (row) => total(row) / row.length),
  },
  {
    name: 'max of rows',
    shapes: [rows],
    run: (x) => tf.max(x, 1),
    naive: (x) => byRow(x, (row) => Math.max(...row)),
  },
  {
    name: 'norm of rows',
    shapes: [rows],
    run: (x) => tf.norm(x, 2, 1),
    naive: (x) => byRow(x, (row) => Math.hypot(...row)),
  },
  {
    name: 'logSumExp of rows',
    shapes: [rows],
    run: (x) => tf.logSumExp(x, 1),
    naive: (x) => byRow(x, (row) => Math.log(total(row.map(Math.exp)))),
  },
  {
    name: 'transpose',
    shapes: [rows],
    run: (x) => tf.transpose(x),
    naive: ({ values }) =>
      Array.from({ length: 20 }, (_, i) => values[(i % 4) * 5 + (i >> 2)] ?? 0),
  },
  {
    name: 'gather of repeated rows',
    shapes: [rows],
    isTrainedNatively: true,
    run: (x) => tf.gather(x, tf.tensor1d([2, 0, 2], 'int32')),
    naive: ({ values }) => [2, 0, 2].flatMap((row) => values.slice(row * 5, row * 5 + 5)),
  },
  {
    name: 'slice of rows',
    shapes: [rows],
    run: (x) => tf.slice(x, [1, 0], [2, 5]),
    naive: ({ values }) => values.slice(5, 15),
  },
  {
    name: 'concat of rows',
    shapes: [rows, [2, 5]],
    run: (a, b) => tf.concat([a, b as Tensor]),
    naive: (a, b) => [...a.values, ...b.values],
  },
  {
    name: 'bias of a map',
    shapes: [map, [3]],
    run: (x, bias) => tf.add(x, bias as Tensor),
    naive: (x, bias) => x.values.map((v, i) => v + (bias.values[i % 3] as number)),
  },
  {
    name: 'mean over a map',
    shapes: [map],
    run: (x) => tf.mean(x, [1, 2]),
    naive: ({ values }) =>
      [0, 1].flatMap((n) =>
        [0, 1, 2].map(
          (c) => total(values.slice(n * 90, n * 90 + 90).filter((_, i) => i % 3 === c)) / 30,
        ),
      ),
  },
  ...convolutions,
]
