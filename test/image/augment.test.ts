import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Tensor4D, tf } from '../../lib/engine/tf.ts'
import { augment } from '../../lib/image/augment.ts'
import { type AugmentationDraws, augmentationDraws } from '../../lib/image/augmentation-draws.ts'
import { addNoise, erase } from '../../lib/image/disturb.ts'
import { type Augmentation, augmentationPresets, noAugmentation } from '../../lib/image/options.ts'
import { recolour } from '../../lib/image/recolour.ts'
import { soften } from '../../lib/image/soften.ts'

const [batch, side, channels] = [4, 16, 3] as const
const numbers = Float32Array.from(
  { length: batch * side * side * channels },
  (_, i) => (i * 7_919) % 256,
)
const views = Array.from({ length: batch }, (_, i) => ({ id: `${i}`, view: 0, step: 0 }))
const draw = (change: Partial<Augmentation>): AugmentationDraws =>
  augmentationDraws(views, { ...noAugmentation, ...change }, 3)

let images: Tensor4D
beforeAll(() => {
  images = tf.tensor4d(numbers, [batch, side, side, channels])
})
afterAll(() => images.dispose())

async function numbersOf(result: Tensor4D): Promise<number[]> {
  const found = [...(await result.data())]
  result.dispose()
  return found
}
const largestDifference = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - (b[i] as number))))
const perView = side * side * channels

describe('recolour', () => {
  const draws = draw({ brightness: 0.2, contrast: 0.3, saturation: 0.4 })
  const cut = (value: number): number => Math.min(255, Math.max(0, value))

  it('agrees with saturation, brightness and contrast one after another', async () => {
    const expected = Array.from(numbers, (_, i) => {
      const view = Math.floor(i / perView)
      const own = numbers.subarray(view * perView, (view + 1) * perView)
      const mean = own.reduce((sum, value) => sum + value, 0) / perView
      const at = i - (i % 3)
      const [red, green, blue] = [...numbers.subarray(at, at + 3)] as [number, number, number]
      const grey = 0.299 * red + 0.587 * green + 0.114 * blue
      const saturation = draws.saturation[view] as number
      const brightness = draws.brightness[view] as number
      const contrast = draws.contrast[view] as number
      const coloured = grey + saturation * ((numbers[i] as number) - grey)
      return cut(brightness * (mean + contrast * (coloured - mean)))
    })
    // Numbers up to 255 in float32, in one matrix in place of three passes.
    expect(largestDifference(await numbersOf(recolour(images, draws)), expected)).toBeLessThan(1e-3)
  })

  it('changes brightness and contrast of grey pictures', async () => {
    const grey: Tensor4D = tf.slice(images, [0, 0, 0, 0], [batch, side, side, 1])
    const once = [...(await grey.data())]
    const found = await numbersOf(recolour(grey, draws))
    grey.dispose()
    const count = side * side
    const expected = once.map((value, i) => {
      const view = Math.floor(i / count)
      const mean = once.slice(view * count, (view + 1) * count).reduce((a, b) => a + b) / count
      const moved = mean + (draws.contrast[view] as number) * (value - mean)
      return cut((draws.brightness[view] as number) * moved)
    })
    expect(largestDifference(found, expected)).toBeLessThan(1e-3)
  })
})

describe('soften', () => {
  it('agrees with the sum over Gaussian weights', async () => {
    const draws = { batch, blur: Float32Array.of(0, 0.3, 0.6, 1) }
    const deviation = 1.2
    const reach = [-3, -2, -1, 0, 1, 2, 3]
    const weights = reach.map((at) => Math.exp(-(at ** 2) / (2 * deviation ** 2)))
    const total = weights.reduce((sum, weight) => sum + weight)
    const mirrored = (at: number): number =>
      at < 0 ? -1 - at : at >= side ? 2 * side - 1 - at : at
    const expected = Array.from(numbers, (value, i) => {
      const channel = i % channels
      const pixel = Math.floor(i / channels)
      const [x, y] = [pixel % side, Math.floor(pixel / side) % side]
      const view = Math.floor(pixel / (side * side))
      let blurred = 0
      for (const [k, down] of reach.entries()) {
        for (const [l, across] of reach.entries()) {
          const place = (view * side + mirrored(y + down)) * side + mirrored(x + across)
          const weight = ((weights[k] as number) * (weights[l] as number)) / total ** 2
          blurred += weight * (numbers[place * channels + channel] as number)
        }
      }
      return value + (draws.blur[view] as number) * (blurred - value)
    })
    const found = await numbersOf(soften(images, draws, deviation / side))
    expect(largestDifference(found, expected)).toBeLessThan(1e-3)
  })
})

describe('erase', () => {
  it('hides the rectangle, and nothing else, under the mean colour', async () => {
    const half = Float32Array.of(0, 0, 1, 1, 0, 0, 0.5, 0.25, 0, 0, 0, 0, 0.5, 0, 1, 1)
    const found = await numbersOf(erase(images, { batch, erased: half }))
    const changed = [0, 1, 2, 3].map((view) => {
      const own = found.slice(view * perView, (view + 1) * perView)
      return own.filter((value, i) => value !== numbers[view * perView + i]).length / perView
    })
    // A hidden number may equal the mean by chance; none does here.
    expect(changed).toEqual([1, 0.125, 0, 0.5])
    const reds = numbers.filter((_, i) => i < perView && i % 3 === 0)
    expect(found[0]).toBeCloseTo(reds.reduce((sum, value) => sum + value) / reds.length, 3)
  })
})

describe('addNoise', () => {
  it('has the asked deviation, the same each time and different in each view', async () => {
    const grounds: Tensor4D = tf.fill([batch, 32, 32, 1], 128)
    const noise = Float32Array.of(0, 5, 10, 20)
    const draws = { batch, noise, noiseStart: Float32Array.of(0.1, 0.2, 0.3, 0.4) }
    const found = await numbersOf(addNoise(grounds, draws))
    expect(await numbersOf(addNoise(grounds, draws))).toEqual(found)
    grounds.dispose()
    const deviations = [0, 1, 2, 3].map((view) => {
      const own = found.slice(view * 1024, (view + 1) * 1024)
      return Math.sqrt(own.reduce((sum, value) => sum + (value - 128) ** 2, 0) / 1024)
    })
    // 1,024 numbers: the deviation is known to 1 in 45.
    for (const [view, deviation] of deviations.entries()) {
      expect(deviation / ((noise[view] as number) || 1)).toBeCloseTo(view === 0 ? 0 : 1, 0.8)
    }
    expect(found[1024]).not.toBeCloseTo(((found[2048] as number) - 128) / 2 + 128, 3)
  })
})

describe('augment', () => {
  it('returns the pictures unchanged without augmentation', async () => {
    const found = await numbersOf(augment(images, draw({}), noAugmentation))
    expect(found).toEqual([...numbers])
  })

  it('mirrors exactly', async () => {
    const found = await numbersOf(
      augment(images, draw({ flip: 1 }), { ...noAugmentation, flip: 1 }),
    )
    const mirrored: Tensor4D = tf.reverse(images, 2)
    expect(found).toEqual(await numbersOf(mirrored))
  })

  it.each(['photograph', 'glyph', 'photographProbe', 'glyphProbe'] as const)(
    'keeps the range of pixels and leaves only its result alive: %s',
    async (name) => {
      const options = augmentationPresets[name]
      const draws = augmentationDraws(views, options, 1)
      const before = tf.memory().numTensors
      const result = augment(images, draws, options)
      expect(tf.memory().numTensors).toBe(before + 1)
      const found = await numbersOf(result)
      expect(Math.min(...found)).toBeGreaterThanOrEqual(0)
      expect(Math.max(...found)).toBeLessThanOrEqual(255)
      expect(largestDifference(found, [...numbers])).toBeGreaterThan(10)
    },
  )

  it('gives a view the same pixels whatever stands beside it', async () => {
    const options = augmentationPresets.photographProbe
    const all = await numbersOf(augment(images, augmentationDraws(views, options, 1), options))
    const last: Tensor4D = tf.slice(images, [batch - 1, 0, 0, 0], [1, side, side, channels])
    const draws = augmentationDraws(views.slice(-1), options, 1)
    const alone = await numbersOf(augment(last, draws, options))
    last.dispose()
    expect(largestDifference(alone, all.slice(-perView))).toBeLessThan(1e-3)
  })

  it('wants one draw a row', () => {
    const draws = augmentationDraws(views.slice(1), noAugmentation, 1)
    expect(() => augment(images, draws, noAugmentation)).toThrow(
      'augment: images must have shape [3, ?, ?, ?], got [4, 16, 16, 3]',
    )
  })
})
