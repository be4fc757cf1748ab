import { expect, it } from 'vitest'
import { recallAtK } from '../../lib/metric/recall-at-k.ts'
import { rowsOf } from './rows.ts'

// Strangers nearer than the best of one's own: 1 at 0, 25 and 70 degrees, 2 at 10 degrees.
const angles = [0, 10, 25, 70].map((degrees) => (degrees / 180) * Math.PI)
const rows = rowsOf(angles.map((angle) => [Math.cos(angle), Math.sin(angle)]))

it('gives one share for each K, in the order asked for', async () => {
  const labels = Int32Array.of(0, 1, 0, 1)
  expect(await recallAtK(rows, labels, [2, 1, 3])).toEqual([0.75, 0, 1])
})
