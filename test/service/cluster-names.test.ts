import { describe, expect, it } from 'vitest'
import type { ClusterEvent } from '../../lib/learn/state.ts'
import { inheritNames } from '../../lib/service/cluster-names.ts'

const event = (kind: ClusterEvent['kind'], identity: number, of?: number): ClusterEvent => ({
  round: 2,
  kind,
  identity,
  of,
  pictures: 9,
})

describe('inheritNames', () => {
  it('hands the name of a merged cluster on to its heir, and from heir to heir', () => {
    const events = [event('merge', 1, 2), event('birth', 7), event('merge', 2, 3)]
    expect([...inheritNames(new Map([[1, 'apples']]), events)]).toEqual([
      [1, 'apples'],
      [2, 'apples'],
      [3, 'apples'],
    ])
  })

  it('leaves an heir the name that it has', () => {
    const names = new Map([
      [1, 'apples'],
      [2, 'pears'],
    ])
    expect(inheritNames(names, [event('merge', 1, 2)]).get(2)).toBe('pears')
  })

  it('gives nothing to what was split off, nor to anybody by a death', () => {
    const events = [event('split', 5, 1), event('death', 1)]
    expect([...inheritNames(new Map([[1, 'apples']]), events)]).toEqual([[1, 'apples']])
  })
})
