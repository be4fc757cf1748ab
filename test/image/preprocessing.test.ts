import { expect, it } from 'vitest'
import { defaultPreprocessing, type Preprocessing } from '../../lib/image/options.ts'
import { expectPreprocessing, pixelBytes } from '../../lib/image/preprocessing.ts'

it('counts the bytes of a decoded picture', () => {
  expect(pixelBytes({ size: 28, channels: 'rgb' })).toBe(2352)
  expect(pixelBytes({ size: 28, channels: 'grey' })).toBe(784)
})

it('accepts the defaults', () => {
  expect(() => expectPreprocessing('test', defaultPreprocessing)).not.toThrow()
})

const wrong: readonly (readonly [Partial<Preprocessing>, string])[] = [
  [{ size: 15 }, 'test: expected a size of 16 to 1024, got 15'],
  [{ size: 20.5 }, 'test: expected a size of 16 to 1024, got 20.5'],
  [{ background: '#fff' }, 'test: expected a background #rrggbb, got #fff'],
  [{ channels: 'grey' }, 'test: expected 1 finite means, got [127.5, 127.5, 127.5]'],
  [{ mean: [1, 2, Number.NaN] }, 'test: expected 3 finite means, got [1, 2, NaN]'],
  [{ std: [1, 0, 1] }, 'test: expected 3 divisors > 0, got [1, 0, 1]'],
]
it.each(wrong)('refuses %o', (change, message) => {
  const check = () => expectPreprocessing('test', { ...defaultPreprocessing, ...change })
  expect(check).toThrow(message)
})
