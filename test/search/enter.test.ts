import { describe, expect, it } from 'vitest'
import { entered, furthest } from '../../lib/search/enter.ts'
import type { Generation, GenerationBlock } from '../../lib/search/generation.ts'
import { newGeneration, partition } from './generation-support.ts'

const block = (name: string, more: Partial<GenerationBlock> = {}): GenerationBlock => ({
  digest: name.repeat(64),
  rows: 8,
  partition,
  oldest: 1,
  newest: 2,
  ...more,
})

function generation(more: Partial<Generation> = {}): Generation {
  const empty = { sources: [], blocks: [], next: {}, follow: {} }
  const { version } = newGeneration()
  return {
    format: 1,
    id: `${version}.1`,
    ...newGeneration(),
    state: 'building',
    ...empty,
    ...more,
  }
}
const start = { partition, next: 7, follow: 9 }

describe('entered', () => {
  it('begins at the start where nobody has been before', () => {
    expect(entered(generation(), undefined, start)).toMatchObject({
      sources: [],
      next: { [partition]: 7 },
      follow: { [partition]: 9 },
    })
  })

  it('takes over the blocks of the partition as sources, and goes on where they end', () => {
    const other = generation({
      blocks: [block('a'), block('b', { partition: 'images.unlabeled/1' }), block('c')],
      next: { [partition]: 50 },
      follow: { [partition]: 60 },
    })
    const after = entered(generation(), other, start)
    expect(after?.sources).toEqual([
      { digest: 'a'.repeat(64), rows: 8, partition },
      { digest: 'c'.repeat(64), rows: 8, partition },
    ])
    expect(after).toMatchObject({ next: { [partition]: 50 }, follow: { [partition]: 60 } })
  })

  it('catches up with what came after it, without what was made from its own blocks', () => {
    const old = generation({ blocks: [block('a')], next: { [partition]: 50 } })
    const other = generation({
      blocks: [block('d', { source: 'a'.repeat(64) }), block('e')],
      next: { [partition]: 90 },
    })
    expect(entered(old, other, start)).toMatchObject({
      sources: [{ digest: 'e'.repeat(64) }],
      next: { [partition]: 90 },
    })
  })

  it('takes over what the other one has still to embed', () => {
    const open = { digest: 'f'.repeat(64), rows: 8, partition }
    const other = generation({
      blocks: [block('d', { source: 'a'.repeat(64) })],
      sources: [
        { digest: 'a'.repeat(64), rows: 8, partition, done: { embedded: 8, missing: 0, gone: 0 } },
        open,
        { ...open, digest: 'b'.repeat(64), partition: 'images.unlabeled/1' },
      ],
      next: { [partition]: 50 },
    })
    expect(entered(generation(), other, start)?.sources).toEqual([
      { digest: 'd'.repeat(64), rows: 8, partition },
      open,
    ])
  })

  it('has nothing to do where it stands already, or further', () => {
    const there = generation({ next: { [partition]: 50 } })
    expect(entered(there, generation({ next: { [partition]: 50 } }), start)).toBeUndefined()
    expect(entered(there, generation({ next: { [partition]: 49 } }), start)).toBeUndefined()
    expect(entered(there, undefined, { ...start, next: 60 })).toBeUndefined()
  })
})

describe('furthest', () => {
  it('is the one that stands furthest, of equals the newest', () => {
    const a = generation({ id: 'a', next: { [partition]: 5 }, at: 1 })
    const b = generation({ id: 'b', next: { [partition]: 9 }, at: 2 })
    const c = generation({ id: 'c', next: { [partition]: 9 }, at: 1 })
    expect(furthest([a, b, c, generation()], partition)).toBe(b)
    expect(furthest([generation()], partition)).toBeUndefined()
  })
})
