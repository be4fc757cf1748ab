import fc from 'fast-check'
import { expect, it } from 'vitest'
import { chooseK } from '../../lib/cluster/choose-k.ts'

it('takes a cluster for each 20 images, at least 8, with 8 images each', () => {
  expect([10_000, 2_400, 120, 100, 40].map((n) => chooseK(n))).toEqual([500, 120, 8, 8, 5])
})

it('keeps two clusters where the rule would leave one', () => {
  expect([15, 4, 3, 1].map((n) => chooseK(n))).toEqual([2, 2, 1, 1])
})

it('holds its choice until the number of images has changed by a quarter', () => {
  const previous = { k: 100, n: 2_000 }
  expect([1_501, 2_000, 2_499].map((n) => chooseK(n, previous))).toEqual([100, 100, 100])
  expect([1_500, 2_500].map((n) => chooseK(n, previous))).toEqual([75, 125])
})

it('never asks for more clusters than images', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), (n) => {
      expect(chooseK(n)).toBeGreaterThanOrEqual(1)
      expect(chooseK(n)).toBeLessThanOrEqual(n)
    }),
  )
})
