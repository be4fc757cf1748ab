import { expect, it } from 'vitest'
import { rPrecision } from '../../lib/metric/r-precision.ts'
import { rowsOf } from './rows.ts'

const angles = [0, 10, 25, 70].map((degrees) => (degrees / 180) * Math.PI)
const rows = rowsOf(angles.map((angle) => [Math.cos(angle), Math.sin(angle)]))

it('gives the value worked out by hand', async () => {
  // R = 2, one hit among the first two for each of the three queries.
  expect(await rPrecision(rows, Int32Array.of(0, 0, 1, 0))).toBeCloseTo(0.5, 7)
})
