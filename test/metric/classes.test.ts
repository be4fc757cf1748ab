import { expect, it } from 'vitest'
import { classesOf } from '../../lib/metric/classes.ts'

it('groups rows by label, whatever integers the labels are', () => {
  const classes = classesOf(Int32Array.of(7, -1, 7, 2_000_000_000, -1, 7))
  expect(classes.count).toBe(3)
  expect([...classes.of]).toEqual([0, 1, 0, 2, 1, 0])
  expect([...classes.rows]).toEqual([0, 2, 5, 1, 4, 3])
  expect([...classes.starts]).toEqual([0, 3, 5, 6])
})

it('takes no rows', () => {
  expect(classesOf(new Int32Array(0))).toMatchObject({ count: 0, starts: Int32Array.of(0) })
})
