import { expect, it } from 'vitest'
import { exactIndex } from '../../lib/search/exact-index.ts'
import { engine } from '../support/engine.ts'
import { describeExactIndex } from './contract.ts'
import { pictures, stamp, unitRows } from './support.ts'

describeExactIndex(engine.name)

it('takes a picture once', () => {
  const index = exactIndex(stamp, 4)
  expect(index.add(pictures(unitRows(3, 4)))).toBe(3)
  expect(index.add(pictures(unitRows(5, 4, 2)))).toBe(2)
  expect(index.size).toBe(5)
})

it('says that it knows nothing rather than search vectors of another model', async () => {
  const index = exactIndex(stamp, 4)
  const other = { version: 'v2-0123456789ab', preprocessingHash: 'p', vectors: unitRows(1, 4) }
  await expect(index.search(other, 1)).rejects.toMatchObject({ code: 'VERSION_MISMATCH' })
  const add = () => index.add({ ...pictures(unitRows(1, 4)), preprocessingHash: 'q' })
  expect(add).toThrow(expect.objectContaining({ code: 'VERSION_MISMATCH' }))
  expect(index.size).toBe(0)
})

it('names what is wrong with rows and queries', async () => {
  const index = exactIndex(stamp, 4)
  const data = Float32Array.of(1, 0, 0, 1)
  const long = pictures({ rows: 1, dim: 4, data })
  expect(() => index.add(long)).toThrow('index: expected rows of norm 1, got 1.414')
  expect(() => index.add(pictures(unitRows(1, 3)))).toThrow(
    'index: vectors must have shape [?, 4], got [1, 3]',
  )
  const nan = { ...stamp, vectors: { rows: 1, dim: 4, data: Float32Array.of(0, Number.NaN, 0, 0) } }
  await expect(index.search(nan, 1)).rejects.toThrow('search: expected finite numbers')
  const query = { ...stamp, vectors: unitRows(1, 4) }
  await expect(index.search(query, 0)).rejects.toThrow('search: expected k to be an integer')
})

it('answers with nothing while it is empty', async () => {
  const index = exactIndex(stamp, 4)
  expect(await index.search({ ...stamp, vectors: unitRows(2, 4) }, 5)).toEqual([[], []])
})
