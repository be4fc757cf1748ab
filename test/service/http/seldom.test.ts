import { beforeEach, expect, it } from 'vitest'
import { seldom } from '../../../lib/service/http/seldom.ts'

let clock: number
let isTold: (kind: string) => number | undefined
beforeEach(() => {
  clock = 5
  isTold = seldom(() => clock, 1_000)
})

it('tells the first of a kind, then one in each span with the number passed over', () => {
  const told = [0, 1, 500, 999, 1_000, 1_001, 2_500].map((at) => {
    clock = 5 + at
    return isTold('disk-full')
  })
  expect(told).toEqual([0, undefined, undefined, undefined, 3, undefined, 1])
})

it('keeps kinds apart', () => {
  expect(['disk-full', 'fenced', 'disk-full'].map(isTold)).toEqual([0, 0, undefined])
})
