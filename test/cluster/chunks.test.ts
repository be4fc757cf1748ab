import fc from 'fast-check'
import { expect, it } from 'vitest'
import { chunks } from '../../lib/cluster/chunks.ts'

it('covers every row once, in order, within the limit', () => {
  const sizes = fc.tuple(
    fc.nat(500),
    fc.integer({ min: 1, max: 50 }),
    fc.integer({ min: 1, max: 9_999 }),
  )
  fc.assert(
    fc.property(sizes, ([n, columns, chunkBytes]) => {
      const runs = chunks(n, columns, chunkBytes)
      const rows = runs.flatMap(([start, count]) =>
        Array.from({ length: count }, (_, i) => start + i),
      )
      expect(rows).toEqual(Array.from({ length: n }, (_, i) => i))
      for (const [, count] of runs) {
        expect(count === 1 || 4 * columns * count <= chunkBytes).toBe(true)
      }
    }),
  )
})

it('makes chunks as long as the limit allows', () => {
  expect(chunks(10, 4, 64)).toEqual([
    [0, 4],
    [4, 4],
    [8, 2],
  ])
})
