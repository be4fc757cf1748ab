import { expect, it } from 'vitest'
import { mapAtR } from '../../lib/metric/map-at-r.ts'
import { rowsOf } from './rows.ts'

const angles = [0, 10, 25, 70].map((degrees) => (degrees / 180) * Math.PI)
const rows = rowsOf(angles.map((angle) => [Math.cos(angle), Math.sin(angle)]))

it('gives the value worked out by hand', async () => {
  // R = 2. Row 0 ranks 1, 2, 3: hit, miss. Row 1: 0, 2: hit, miss. Row 3: 2, 1: miss, hit.
  expect(await mapAtR(rows, Int32Array.of(0, 0, 1, 0))).toBeCloseTo((0.5 + 0.5 + 0.25) / 3, 7)
})
