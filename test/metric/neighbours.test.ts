import { describe, expect, it } from 'vitest'
import { tf } from '../../lib/engine/tf.ts'
import { nearest, neighbourConsistency, neighbourOverlap } from '../../lib/metric/neighbours.ts'
import { clusteredRows, collapsedRows, cosine, listOf, rowsOf, unitRows } from './rows.ts'

const onCircle = (degrees: readonly number[]) =>
  rowsOf(degrees.map((d) => [Math.cos((d / 180) * Math.PI), Math.sin((d / 180) * Math.PI)]))

describe('nearest', () => {
  it('agrees with a full sort', async () => {
    const rows = unitRows(60, 16, 1)
    const list = listOf(rows)
    const found = await nearest(rows, 5, { chunkBytes: 8 * 60 * 11 })
    expect(found.map((near) => [...near])).toEqual(
      list.map((a, i) =>
        [...list.keys()]
          .filter((j) => j !== i)
          .sort((x, y) => cosine(a, list[y] as number[]) - cosine(a, list[x] as number[]))
          .slice(0, 5),
      ),
    )
  })

  it('gives nobody a last place that several tie for', async () => {
    // Seen from 0 degrees: 10 is nearest, 20 and -20 tie for the second place.
    const [first] = await nearest(
      rowsOf([
        [1, 0],
        [0.9, 0.1],
        [0.5, 0.5],
        [0.5, -0.5],
      ]),
      2,
    )
    expect([...(first as Int32Array)]).toEqual([1])
  })

  it('takes all others when there are no more', async () => {
    const found = await nearest(onCircle([0, 10, 30]), 10)
    expect(found.map((near) => [...near])).toEqual([
      [1, 2],
      [0, 2],
      [1, 0],
    ])
  })
})

describe('neighbourConsistency', () => {
  it('gives the Jaccard overlap worked out by hand', async () => {
    const [plain, view] = [onCircle([0, 10, 25, 70]), onCircle([0, 60, 30, 20])]
    // Row 1 looks for {0, 2} as it is and finds {3, 2} as it is seen; the others keep theirs.
    const found = await neighbourConsistency(plain, view, { neighbours: 2 })
    expect([...found].map((x) => x.toFixed(4))).toEqual(['1.0000', '0.3333', '1.0000', '1.0000'])
  })

  it('never takes the image itself for its neighbour', async () => {
    const found = await neighbourConsistency(onCircle([0, 40, 90]), onCircle([40, 0, 80]), {
      neighbours: 1,
    })
    expect([...found]).toEqual([1, 1, 1])
  })

  it('is 1 for views that change nothing', async () => {
    const rows = unitRows(40, 8, 2)
    expect((await neighbourConsistency(rows, rows)).every((value) => value === 1)).toBe(true)
  })

  it('is 0 in a collapsed space', async () => {
    const rows = collapsedRows(40, 8)
    expect((await neighbourConsistency(rows, rows)).every((value) => value === 0)).toBe(true)
  })

  it('names the shapes that differ', async () => {
    const call = neighbourConsistency(unitRows(4, 3, 1), unitRows(4, 2, 1))
    await expect(call).rejects.toThrow('[4, 3], got [4, 2]')
  })

  it('leaves no tensor alive', async () => {
    const before = tf.memory().numTensors
    await neighbourConsistency(unitRows(12, 3, 1), unitRows(12, 3, 2))
    expect(tf.memory().numTensors).toBe(before)
  })
})

describe('neighbourOverlap', () => {
  it('is 1 for one space in two bases', async () => {
    const rows = unitRows(40, 4, 3)
    const turned = rowsOf(listOf(rows).map(([a, b, c, d]) => [-(d as number), a, c, b] as number[]))
    expect(await neighbourOverlap(rows, turned)).toBe(1)
  })

  it('is near chance for unrelated spaces of other dims', async () => {
    // 5 of 199 by chance; a share of .1 would be four times as much.
    const found = await neighbourOverlap(unitRows(200, 8, 4), unitRows(200, 5, 5), {
      neighbours: 5,
    })
    expect(found).toBeLessThan(0.1)
  })

  it('is 0 for a candidate that collapsed', async () => {
    expect(await neighbourOverlap(collapsedRows(30, 4), clusteredRows(30, 4, 3, 1))).toBe(0)
  })
})
