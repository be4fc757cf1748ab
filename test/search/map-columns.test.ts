import { expect, it } from 'vitest'
import { mapColumns, noCluster } from '../../lib/search/map-columns.ts'

const block = (ids: readonly string[], start: number) => ({
  ids,
  x: Float32Array.from(ids, (_, i) => start + i),
  y: Float32Array.from(ids, (_, i) => -start - i),
  times: Float64Array.from(ids, (_, i) => 1_700_000_000_999 + 1_000 * i),
})

it('writes one column after the other, each picture once, and none that was erased', () => {
  const placed = [block(['a', 'b', 'c'], 1), block(['b', 'd'], 10)]
  const { points, bytes } = mapColumns(placed, {
    identities: { a: 7, d: 70_000 },
    erased: new Set(['c']),
  })
  expect([points, bytes.length]).toEqual([3, 42])
  const view = new DataView(bytes.buffer)
  const rows = [0, 1, 2]
  expect(rows.map((row) => view.getFloat32(4 * row, true))).toEqual([1, 10, 11])
  expect(rows.map((row) => view.getFloat32(12 + 4 * row, true))).toEqual([-1, -10, -11])
  expect(rows.map((row) => view.getUint16(24 + 2 * row, true))).toEqual([7, noCluster, noCluster])
  expect(rows.map((row) => view.getUint32(30 + 4 * row, true))).toEqual([
    1_700_000_000, 1_700_000_000, 1_700_000_001,
  ])
})
