import { expect, it } from 'vitest'
import { contingency } from '../../lib/metric/contingency.ts'

it('counts sizes and the pairs that occur', () => {
  const table = contingency('x', Int32Array.of(4, 4, 9), Int32Array.of(1, 2, 2))
  expect(table).toEqual({
    n: 3,
    sizesA: [2, 1],
    sizesB: [1, 2],
    cells: [
      { a: 0, b: 0, count: 1 },
      { a: 0, b: 1, count: 1 },
      { a: 1, b: 1, count: 1 },
    ],
  })
})

it('names the lengths that differ', () => {
  const wrong = () => contingency('nmi', new Int32Array(2), new Int32Array(3))
  expect(wrong).toThrow('nmi: labelsB must have length 2, got 3')
})
