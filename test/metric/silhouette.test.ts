import { describe, expect, it } from 'vitest'
import { silhouette } from '../../lib/metric/silhouette.ts'
import { clusteredRows, collapsedRows, cosine, cyclicLabels, listOf, unitRows } from './rows.ts'

describe('silhouette', () => {
  it('agrees with the definition over all pairs', () => {
    const rows = unitRows(40, 6, 1)
    const labels = Int32Array.from({ length: 40 }, (_, i) => (i < 39 ? i % 4 : 9))
    const list = listOf(rows)
    const distance = (i: number, members: number[]) =>
      members.reduce((sum, j) => sum + 1 - cosine(list[i] as number[], list[j] as number[]), 0) /
      members.length
    const each = list.map((_, i) => {
      const of = (label: number) => [...labels.keys()].filter((j) => j !== i && labels[j] === label)
      const own = of(labels[i] as number)
      if (own.length === 0) return 0
      const others = [0, 1, 2, 3, 9].filter((label) => label !== labels[i])
      const [a, b] = [distance(i, own), Math.min(...others.map((label) => distance(i, of(label))))]
      return (b - a) / Math.max(a, b)
    })
    const expected = each.reduce((sum, value) => sum + value, 0) / 40
    expect(silhouette(rows, labels)).toBeCloseTo(expected, 6)
  })

  it('is high for separated clusters and low for labels that ignore them', () => {
    const centred = clusteredRows(60, 30, 3, 0.2)
    expect(silhouette(centred, cyclicLabels(60, 3))).toBeGreaterThan(0.8)
    expect(silhouette(centred, cyclicLabels(60, 4))).toBeLessThan(0.1)
  })

  it('is 0 for one cluster and for a collapsed space', () => {
    expect(silhouette(unitRows(10, 3, 2), new Int32Array(10))).toBe(0)
    expect(silhouette(collapsedRows(10, 3), cyclicLabels(10, 2))).toBe(0)
  })
})
