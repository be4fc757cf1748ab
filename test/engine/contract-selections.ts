import { expect, it } from 'vitest'
import { type Tensor, type Tensor2D, type Tensor4D, tf } from '../../lib/engine/tf.ts'
import { registerWarpKernel } from '../../lib/image/warp-kernel.ts'
import { distance, plainInputs } from './measure.ts'
import type { Plain } from './naive.ts'

/** An operation that picks or places numbers and has no slope that we use. */
interface Selection {
  readonly name: string
  readonly shape: readonly number[]
  readonly run: (x: Tensor) => Tensor
  readonly naive: (x: Plain) => readonly number[]
}

const rows = [4, 5] as const
const image = [2, 4, 5, 3] as const
const rowOf = (x: Plain, i: number): readonly number[] => x.values.slice(i * 5, i * 5 + 5)
const eachRow = (x: Plain, fold: (row: readonly number[]) => readonly number[]): number[] =>
  [0, 1, 2, 3].flatMap((i) => [...fold(rowOf(x, i))])
const highest = (row: readonly number[]): number => row.indexOf(Math.max(...row))
const compared = (
  name: string,
  run: (a: Tensor, b: number) => Tensor,
  f: (a: number) => boolean,
): Selection => ({
  name,
  shape: rows,
  run: (x) => tf.cast(run(tf.round(tf.mul(x, 2)), 1), 'float32'),
  naive: (x) => x.values.map((v) => (f(Math.round(v * 2)) ? 1 : 0)),
})

/** Value of a picture between its pixels, by the distances to the four around. */
function between({ values }: Plain, n: number, y: number, x: number, c: number): number {
  const [, height, width, channels] = image
  const pixel = (row: number, column: number) => {
    const [i, j] = [Math.min(row, height - 1), Math.min(column, width - 1)]
    return values[((n * height + i) * width + j) * channels + c] as number
  }
  const [top, left] = [Math.floor(y), Math.floor(x)]
  const [down, right] = [y - top, x - left]
  const upper = pixel(top, left) * (1 - right) + pixel(top, left + 1) * right
  const lower = pixel(top + 1, left) * (1 - right) + pixel(top + 1, left + 1) * right
  return upper * (1 - down) + lower * down
}

const selections: readonly Selection[] = [
  compared('greater', tf.greater, (v) => v > 1),
  compared('less', tf.less, (v) => v < 1),
  compared('lessEqual', tf.lessEqual, (v) => v <= 1),
  compared('equal', tf.equal, (v) => v === 1),
  compared('notEqual', tf.notEqual, (v) => v !== 1),
  {
    name: 'argMax of rows',
    shape: rows,
    run: (x) => tf.argMax(x, 1),
    naive: (x) => eachRow(x, (row) => [highest(row)]),
  },
  {
    name: 'argMax of ties: the lowest',
    shape: rows,
    run: (x) => tf.argMax(tf.mul(x, 0), 1),
    naive: () => [0, 0, 0, 0],
  },
  {
    name: 'oneHot of the largest of rows',
    shape: rows,
    run: (x) => tf.cast(tf.oneHot(tf.argMax(x, 1), 5), 'float32'),
    naive: (x) => eachRow(x, (row) => row.map((_, i) => (i === highest(row) ? 1 : 0))),
  },
  {
    name: 'cumsum of rows',
    shape: rows,
    run: (x) => tf.cumsum(x, 1),
    naive: (x) =>
      eachRow(x, (row) => row.map((_, i) => row.slice(0, i + 1).reduce((a, b) => a + b))),
  },
  {
    name: 'scatterND: rows of one place are summed',
    shape: rows,
    run: (x) => tf.scatterND(tf.tensor2d([[1], [0], [1], [1]], [4, 1], 'int32'), x, [3, 5]),
    naive: (x) => {
      const sum = [0, 1, 2, 3, 4].map((i) =>
        [0, 2, 3].reduce((total, row) => total + (rowOf(x, row)[i] as number), 0),
      )
      return [...rowOf(x, 1), ...sum, 0, 0, 0, 0, 0]
    },
  },
  {
    name: 'split, then stack in another order',
    shape: rows,
    run: (x) => tf.concat(tf.split(x, [1, 3]).reverse()),
    naive: (x) => [...x.values.slice(5), ...rowOf(x, 0)],
  },
  {
    name: 'unstack, then stack in another order',
    shape: rows,
    run: (x) => tf.stack(tf.unstack(x).reverse()),
    naive: (x) => [3, 2, 1, 0].flatMap((i) => [...rowOf(x, i)]),
  },
  {
    name: 'tile of rows',
    shape: rows,
    run: (x) => tf.tile(x, [1, 2]),
    naive: (x) => eachRow(x, (row) => [...row, ...row]),
  },
  {
    name: 'broadcastTo',
    shape: [5],
    run: (x) => tf.broadcastTo(x, [2, 5]),
    naive: ({ values }) => [...values, ...values],
  },
  {
    name: 'pad of rows',
    shape: rows,
    run: (x) =>
      tf.pad(x, [
        [0, 0],
        [1, 0],
      ]),
    naive: (x) => eachRow(x, (row) => [0, ...row]),
  },
  {
    name: 'mirrorPad of rows',
    shape: rows,
    run: (x) =>
      tf.mirrorPad(
        x as Tensor2D,
        [
          [0, 0],
          [2, 2],
        ],
        'symmetric',
      ),
    naive: (x) => eachRow(x, (row) => [1, 0, 0, 1, 2, 3, 4, 4, 3].map((i) => row[i] as number)),
  },
  {
    name: 'cropAndResize of two boxes',
    shape: image,
    run: (x) => {
      const boxes = tf.tensor2d([
        [0, 0.25, 1, 0.75],
        [0.25, 0, 0.5, 1],
      ]) // [2, 4]
      const own = tf.tensor1d([1, 0], 'int32') // [2]
      return tf.image.cropAndResize(x as Tensor4D, boxes, own, [3, 2], 'bilinear')
    },
    naive: (x) =>
      [
        { n: 1, top: 0, left: 0.25, bottom: 1, right: 0.75 },
        { n: 0, top: 0.25, left: 0, bottom: 0.5, right: 1 },
      ].flatMap(({ n, top, left, bottom, right }) =>
        [0, 0.5, 1].flatMap((down) =>
          [0, 1].flatMap((across) =>
            [0, 1, 2].map((c) =>
              between(
                x,
                n,
                3 * (top + (bottom - top) * down),
                4 * (left + (right - left) * across),
                c,
              ),
            ),
          ),
        ),
      ),
  },
  {
    name: 'transform: a shift, beyond the edge the colour of the edge',
    shape: image,
    run: (x) => {
      const shift = tf.tensor2d([[1, 0, 0.5, 0, 1, 0.25, 0, 0]]) // [1, 8]
      return tf.image.transform(x as Tensor4D, shift, 'bilinear', 'nearest')
    },
    naive: (x) =>
      x.values.map((_, i) => {
        const [pixel, c] = [Math.floor(i / 3), i % 3]
        const [row, column] = [Math.floor(pixel / 5), pixel % 5]
        return between(x, Math.floor(row / 4), (row % 4) + 0.25, column + 0.5, c)
      }),
  },
]

/** Operations that pick, count and place, as losses, clustering and augmentation need them. */
export function describeSelections(): void {
  registerWarpKernel() // an engine that brings its own keeps it
  for (const { name, shape, run, naive } of selections) {
    it(`${name}: computes what the loops compute, and leaves only that alive`, async () => {
      const [plain] = plainInputs({ name, shapes: [shape] }) as [Plain]
      const x = tf.tensor([...plain.values], [...shape], 'float32')
      const before = tf.memory().numTensors
      const result = tf.tidy(() => run(x))
      expect(tf.memory().numTensors).toBe(before + 1)
      const expected = naive(plain)
      expect(result.size).toBe(expected.length)
      expect(distance(await result.data(), expected)).toBeLessThan(1e-5)
      tf.dispose([x, result])
    })
  }
}
