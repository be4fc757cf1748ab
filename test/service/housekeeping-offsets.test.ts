import { describe, expect, it } from 'vitest'
import type { CheckpointHead } from '../../lib/registry/checkpoint-head.ts'
import { appliedOffsets } from '../../lib/service/housekeeping-offsets.ts'

const partitions = ['t/0', 't/1'] as const
const readers = { log: 'log', lineage: 'main', silentSince: 100, partitions }

const head = (offset: number, more: Partial<CheckpointHead> = {}): CheckpointHead => ({
  format: 1,
  lineage: 'main',
  seq: 1,
  fence: 1,
  log: 'log',
  at: 0,
  offsets: { 't/0': offset, 't/1': 7 },
  counts: {},
  parts: {},
  random: {},
  settings: '',
  model: { next: 1 },
  ...more,
})

const first = (...checkpoints: CheckpointHead[]) => appliedOffsets(checkpoints, readers).get('t/0')

describe('appliedOffsets', () => {
  it('has applied nothing before the first checkpoint', () => {
    expect(appliedOffsets([], readers)).toEqual(
      new Map([
        ['t/0', 0],
        ['t/1', 0],
      ]),
    )
  })

  it('goes no further than the oldest checkpoint that may be fallen back to', () => {
    expect(first(head(30), head(20), head(25))).toBe(20)
  })

  it('counts a partition that a checkpoint does not know as not applied', () => {
    expect(first(head(30), head(0, { offsets: {} }))).toBe(0)
  })

  it('waits for other lineages that were at work lately, and for no silent one', () => {
    expect(first(head(30), head(5, { lineage: 'other', at: 100 }))).toBe(5)
    expect(first(head(30), head(5, { lineage: 'other', at: 99 }))).toBe(30)
  })

  it('always waits for the configured lineage, also before it has begun', () => {
    expect(first(head(30, { at: 0 }))).toBe(30)
    expect(first(head(30, { lineage: 'other', at: 200 }))).toBe(0)
  })

  it('gives nothing for offsets of another log', () => {
    expect(first(head(30), head(5, { log: 'else' }))).toBe(30)
    expect(first(head(30, { log: 'else' }))).toBe(0)
  })
})
