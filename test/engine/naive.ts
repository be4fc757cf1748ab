/** Operations of a network as plain float64 loops: what every engine is held against. */

/** A tensor of plain numbers, row-major. */
export interface Plain {
  readonly shape: readonly number[]
  readonly values: readonly number[]
}

/** Sizes of a map, [batch, height, width, channels]. */
type Map4 = readonly [number, number, number, number]
type Padding = 'same' | 'valid'

const at = (values: readonly number[], index: number): number => values[index] as number

/** Places a window of `size` visits along one axis: the first input of each step. */
function starts(length: number, size: number, stride: number, padding: Padding): number[] {
  const steps =
    padding === 'same' ? Math.ceil(length / stride) : Math.ceil((length - size + 1) / stride)
  const missing = Math.max(0, (steps - 1) * stride + size - length)
  const before = padding === 'same' ? Math.floor(missing / 2) : 0
  return Array.from({ length: steps }, (_, i) => i * stride - before)
}

/** Calls `visit` for each cell of each window that lies inside the map, in output order. */
function windows(
  [batch, height, width]: Map4,
  window: { size: number; stride: number; padding: Padding },
  each: (cells: { n: number; y: number; x: number; i: number; j: number }[]) => void,
): void {
  const { size, stride, padding } = window
  for (let n = 0; n < batch; n += 1) {
    for (const top of starts(height, size, stride, padding)) {
      for (const left of starts(width, size, stride, padding)) {
        const cells = []
        for (let i = 0; i < size; i += 1) {
          for (let j = 0; j < size; j += 1) {
            const [y, x] = [top + i, left + j]
            if (y >= 0 && y < height && x >= 0 && x < width) cells.push({ n, y, x, i, j })
          }
        }
        each(cells)
      }
    }
  }
}

/** Convolution; filter [size, size, in, out]. */
export function conv2d(map: Plain, filter: Plain, stride: number, padding: Padding): number[] {
  const shape = map.shape as Map4
  const [size = 0, , , filters = 0] = filter.shape
  const [, height, width, channels] = shape
  const result: number[] = []
  windows(shape, { size, stride, padding }, (cells) => {
    for (let out = 0; out < filters; out += 1) {
      let sum = 0
      for (const { n, y, x, i, j } of cells) {
        for (let c = 0; c < channels; c += 1) {
          const weight = at(filter.values, ((i * size + j) * channels + c) * filters + out)
          sum += at(map.values, ((n * height + y) * width + x) * channels + c) * weight
        }
      }
      result.push(sum)
    }
  })
  return result
}

/** Convolution of each channel by its own filter [size, size, channels, 1]. */
export function depthwise(map: Plain, filter: Plain, stride: number, padding: Padding): number[] {
  const shape = map.shape as Map4
  const [size = 0] = filter.shape
  const [, height, width, channels] = shape
  const result: number[] = []
  windows(shape, { size, stride, padding }, (cells) => {
    for (let c = 0; c < channels; c += 1) {
      let sum = 0
      for (const { n, y, x, i, j } of cells) {
        const value = at(map.values, ((n * height + y) * width + x) * channels + c)
        sum += value * at(filter.values, (i * size + j) * channels + c)
      }
      result.push(sum)
    }
  })
  return result
}

/** Largest value of each window. */
export function maxPool(map: Plain, size: number, stride: number, padding: Padding): number[] {
  const shape = map.shape as Map4
  const [, height, width, channels] = shape
  const result: number[] = []
  windows(shape, { size, stride, padding }, (cells) => {
    for (let c = 0; c < channels; c += 1) {
      const values = cells.map(({ n, y, x }) =>
        at(map.values, ((n * height + y) * width + x) * channels + c),
      )
      result.push(Math.max(...values))
    }
  })
  return result
}

/** Mean and biased variance of each channel. */
export function moments(map: Plain): { mean: number[]; variance: number[] } {
  const channels = map.shape.at(-1) as number
  const columns = Array.from({ length: channels }, (_, c) =>
    map.values.filter((_value, i) => i % channels === c),
  )
  const average = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
  const mean = columns.map(average)
  const variance = columns.map((column, c) => average(column.map((v) => (v - at(mean, c)) ** 2)))
  return { mean, variance }
}

/** Each channel shifted and scaled by given statistics, then by what was learned. */
export function normalise(
  map: Plain,
  { mean, variance }: { mean: readonly number[]; variance: readonly number[] },
  { scale, offset }: { scale: readonly number[]; offset: readonly number[] },
  epsilon: number,
): number[] {
  const channels = map.shape.at(-1) as number
  return map.values.map((value, i) => {
    const c = i % channels
    const unit = (value - at(mean, c)) / Math.sqrt(at(variance, c) + epsilon)
    return unit * at(scale, c) + at(offset, c)
  })
}

/** Product of [rows, inner] and [inner, columns]. */
export function matMul(a: Plain, b: Plain): number[] {
  const [rows = 0, inner = 0] = a.shape
  const [, columns = 0] = b.shape
  const result: number[] = []
  for (let r = 0; r < rows; r += 1) {
    for (let c = 0; c < columns; c += 1) {
      let sum = 0
      for (let i = 0; i < inner; i += 1) {
        sum += at(a.values, r * inner + i) * at(b.values, i * columns + c)
      }
      result.push(sum)
    }
  }
  return result
}

/** Slopes of `f` at `values` by central differences: exact to about 1e-9 in float64. */
export function slopes(
  f: (values: readonly number[]) => number,
  values: readonly number[],
): number[] {
  const step = 1e-5
  const moved = (i: number, by: number) => values.map((value, j) => (i === j ? value + by : value))
  return values.map((_, i) => (f(moved(i, step)) - f(moved(i, -step))) / (2 * step))
}
