import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Matrix } from '../../lib/engine/matrix.ts'
import { randomStream } from '../../lib/engine/random.ts'
import { type EngineName, selectEngine } from '../../lib/engine/select.ts'
import { tf } from '../../lib/engine/tf.ts'
import { type ExactIndex, exactIndex } from '../../lib/search/exact-index.ts'
import { idOf, neighboursByLoop, pictures, rowOf, stamp, unitRows } from './support.ts'

/** Few directions, each many times: most neighbours tie. */
function tiedRows(rows: number, dim: number, kinds: number, seed: number): Matrix {
  const random = randomStream(seed, 'ties')
  const some = unitRows(kinds, dim, seed)
  const data = new Float32Array(rows * dim)
  for (let row = 0; row < rows; row += 1) {
    data.set(rowOf(some, random.integer(kinds)), row * dim)
  }
  return { rows, dim, data }
}

function piece(gallery: Matrix, from: number, to: number) {
  const { dim, data } = gallery
  return pictures({ rows: to - from, dim, data: data.slice(from * dim, to * dim) }, from)
}

/** Asks for every query, and expects what the textbook says of these pictures. */
async function expectExact(
  index: ExactIndex,
  gallery: ReturnType<typeof pictures>,
  queries: Matrix,
  k: number,
): Promise<void> {
  const answers = await index.search({ ...stamp, vectors: queries }, k)
  const expected = Array.from({ length: queries.rows }, (_, i) =>
    neighboursByLoop(gallery, rowOf(queries, i), k),
  )
  expect(answers).toEqual(expected)
}

/** What every engine's exact index does. */
export function describeExactIndex(name: EngineName): void {
  describe(`exactIndex on ${name}`, () => {
    beforeAll(async () => {
      await selectEngine(name)
    })

    it('ranks as a sort of all float64 products does, ties by id, however the rows came', async () => {
      const sizes = fc.record({
        rows: fc.integer({ min: 0, max: 3_000 }),
        dim: fc.integer({ min: 1, max: 40 }),
        kinds: fc.integer({ min: 1, max: 300 }),
        k: fc.constantFrom(1, 2, 10, 4_000),
        cuts: fc.array(fc.nat(3_000), { maxLength: 4 }),
        seed: fc.nat(1_000),
      })
      await fc.assert(
        fc.asyncProperty(sizes, async ({ rows, dim, kinds, k, cuts, seed }) => {
          const gallery = tiedRows(rows, dim, kinds, seed)
          const index = exactIndex(stamp, dim)
          const edges = [0, ...cuts.filter((at) => at < rows).sort((a, b) => a - b), rows]
          for (let i = 1; i < edges.length; i += 1) {
            index.add(piece(gallery, edges[i - 1] as number, edges[i] as number))
          }
          expect(index.size).toBe(rows)
          await expectExact(index, pictures(gallery), tiedRows(3, dim, kinds, seed), k)
          index.dispose()
        }),
        { numRuns: 25 },
      )
    })

    it('ranks rows apart that the engine rounds to the same similarity', async () => {
      const dim = 64
      const query = unitRows(1, dim)
      const rows = 600
      const data = new Float32Array(rows * dim)
      for (let row = 0; row < rows; row += 1) {
        data.set(rowOf(query, 0), row * dim)
        // Differences of 1e-8 in the products: below what float32 sums resolve.
        data[row * dim + (row % dim)] = (query.data[row % dim] as number) * (1 + row * 2 ** -23)
      }
      const gallery = pictures({ rows, dim, data })
      const index = exactIndex(stamp, dim)
      index.add(gallery)
      index.add(pictures(unitRows(1_024, dim, 2), rows)) // so that the engine has them all
      const all = {
        ...gallery,
        ids: [...gallery.ids, ...pictures(unitRows(1_024, dim), rows).ids],
        vectors: {
          rows: rows + 1_024,
          dim,
          data: Float32Array.of(...data, ...unitRows(1_024, dim, 2).data),
        },
      }
      await expectExact(index, all, query, 20)
      index.dispose()
    })

    it('answers many queries as it answers each alone', async () => {
      const gallery = pictures(unitRows(9_000, 8))
      const index = exactIndex(stamp, 8)
      index.add(gallery)
      await expectExact(index, gallery, unitRows(130, 8, 2), 5)
      index.dispose()
    })

    it('finds what was added while it searched only in the next search', async () => {
      const gallery = unitRows(2_100, 4)
      const index = exactIndex(stamp, 4)
      index.add(piece(gallery, 0, 2_000))
      const queries = { ...stamp, vectors: unitRows(1, 4, 9) }
      const before = index.search(queries, 3)
      index.add(piece(gallery, 2_000, 2_100))
      const query = rowOf(queries.vectors, 0)
      expect(await before).toEqual([neighboursByLoop(piece(gallery, 0, 2_000), query, 3)])
      index.dispose()
    })

    it('finds what a plain list would, whatever is added, masked and too much', async () => {
      const gallery = unitRows(12_000, 4)
      const all = pictures(gallery)
      const step = fc.record({
        add: fc.oneof(fc.nat(300), fc.constantFrom(1_024, 2_000)),
        mask: fc.array(fc.nat(11_999), { maxLength: 30 }),
      })
      const steps = fc.array(step, { minLength: 1, maxLength: 6 })
      await fc.assert(
        fc.asyncProperty(steps, fc.integer({ min: 1, max: 5_000 }), async (plan, maxVectors) => {
          const index = exactIndex(stamp, 4, { maxVectors })
          const masked = new Set<number>()
          let list: number[] = []
          let [next, left] = [0, 0]
          for (const { add, mask } of plan) {
            index.add(piece(gallery, next, next + add))
            const added = Array.from({ length: add }, (_, i) => next + i)
            list.push(...added.filter((row) => !masked.has(row)))
            next += add
            left += Math.max(0, list.length - maxVectors)
            list = list.slice(-maxVectors)
            index.mask(mask.map(idOf))
            for (const row of mask) masked.add(row)
            const rows = list.filter((row) => !masked.has(row))
            expect([index.size, index.left]).toEqual([rows.length, left])
            const data = Float32Array.from(rows.flatMap((row) => [...rowOf(gallery, row)]))
            const found = {
              ...stamp,
              ids: rows.map((row) => all.ids[row] as string),
              vectors: { rows: rows.length, dim: 4, data },
            }
            await expectExact(index, found, unitRows(1, 4, next + 1), rows.length + 1)
          }
          index.dispose()
        }),
        { numRuns: 40 },
      )
    })

    it('holds one tensor a segment, and none when it is disposed of', async () => {
      const before = tf.memory().numTensors
      const index = exactIndex(stamp, 4, { maxVectors: 4_000 })
      for (let at = 0; at < 9_000; at += 1_500) {
        index.add(pictures(unitRows(1_500, 4, at + 1), at))
        await index.search({ ...stamp, vectors: unitRows(2, 4) }, 3)
        expect(tf.memory().numTensors - before).toBeLessThanOrEqual(2)
      }
      index.dispose()
      expect(tf.memory().numTensors).toBe(before)
    })
  })
}
