import { expect, it } from 'vitest'
import { randomStream } from '../../lib/engine/random.ts'

it('gives the same numbers for the same key and others for another', () => {
  const draw = (...key: [number, string]) => randomStream(...key).uniform()
  expect(draw(1, 'a')).toBe(draw(1, 'a'))
  expect(draw(1, 'a')).not.toBe(draw(1, 'b'))
  expect(draw(1, 'a')).not.toBe(draw(2, 'a'))
})

it('spreads its numbers evenly', () => {
  const random = randomStream(7, 'even')
  const counts = new Array<number>(10).fill(0)
  for (let i = 0; i < 10_000; i += 1) {
    const bin = random.integer(10)
    counts[bin] = (counts[bin] as number) + 1
  }
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150) // 5 sigma
})

it('shuffles without losing an item', () => {
  const items = Array.from({ length: 50 }, (_, i) => i)
  const shuffled = randomStream(1, 'shuffle').shuffled(items)
  expect(shuffled).not.toEqual(items)
  expect([...shuffled].sort((a, b) => a - b)).toEqual(items)
})
