import { describe, expect, it } from 'vitest'
import {
  defaultHeldOutOptions,
  heldOutPictures,
  heldOutShare,
  holdOut,
  isHeldOut,
} from '../../lib/learn/held-out.ts'
import { emptyState, type HeldOutState } from '../../lib/learn/state.ts'
import { pictureOf } from './states.ts'

const options = { firstFill: 2, fill: 4, maxProbeA: 6 }

/** Holds `count` pictures out, one after the other. */
function heldAfter(count: number) {
  let sets: HeldOutState = emptyState.heldOut
  const dropped: string[] = []
  for (let i = 0; i < count; i += 1) {
    const next = holdOut(sets, pictureOf(String(i)), options)
    sets = next.sets
    if (next.dropped !== undefined) dropped.push(next.dropped.id)
  }
  const ids = (name: keyof HeldOutState) => sets[name].map(({ id }) => Number(id))
  return { sets, dropped, a: ids('a'), b: ids('b'), monitor: ids('monitor') }
}

describe('holdOut', () => {
  it('fills A, then B, then the monitor set, then all in turn', () => {
    expect(heldAfter(6)).toMatchObject({ a: [0, 1], b: [2, 3], monitor: [4, 5] })
    const full = heldAfter(12)
    expect(full).toMatchObject({ a: [0, 1, 6, 9], b: [2, 3, 7, 10], monitor: [4, 5, 8, 11] })
    expect(full.dropped).toEqual([])
  })

  it('slides B over the newest and moves what it pushes out to A', () => {
    expect(heldAfter(14)).toMatchObject({ a: [0, 1, 6, 9, 2, 3], b: [7, 10, 12, 13], dropped: [] })
  })

  it('drops what B pushes out once A holds its maximum', () => {
    const { a, b, dropped } = heldAfter(16)
    expect(a).toEqual([0, 1, 6, 9, 2, 3])
    expect(b).toEqual([12, 13, 14, 15])
    expect(dropped).toEqual(['7', '10'])
  })

  it('lists every picture that is held out', () => {
    expect(heldOutPictures(heldAfter(5).sets).map(({ id }) => id)).toEqual([
      '0',
      '1',
      '2',
      '3',
      '4',
    ])
  })
})

describe('heldOutShare', () => {
  const sized = (a: number, b: number, monitor: number): HeldOutState => {
    const pictures = (count: number) => Array.from({ length: count }, (_, i) => pictureOf(`${i}`))
    return { a: pictures(a), b: pictures(b), monitor: pictures(monitor) }
  }

  it('falls as the sets fill', () => {
    const share = (...sizes: [number, number, number]) =>
      heldOutShare(sized(...sizes), defaultHeldOutOptions)
    expect(share(99, 0, 0)).toBe(0.2)
    expect(share(100, 0, 0)).toBe(0.1)
    expect(share(600, 500, 499)).toBe(0.1)
    expect(share(500, 500, 500)).toBe(0.02)
  })
})

describe('isHeldOut', () => {
  const names = Array.from({ length: 4_000 }, (_, i) => `group-${i}`)
  const out = (share: number, seed = 1) => names.filter((name) => isHeldOut(name, share, seed))

  it('holds out the share that it is asked for', () => {
    // Binomial, 4,000 draws at .1: standard deviation 19; four of them.
    expect(Math.abs(out(0.1).length - 400)).toBeLessThan(76)
    expect(out(0)).toEqual([])
  })

  it('decides by the name of the group: a smaller share is a subset', () => {
    const many = new Set(out(0.2))
    expect(out(0.02).every((name) => many.has(name))).toBe(true)
    expect(out(0.1, 2)).not.toEqual(out(0.1, 1))
  })
})
