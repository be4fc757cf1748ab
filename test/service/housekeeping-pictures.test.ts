import { describe, expect, it } from 'vitest'
import { encodePart } from '../../lib/learn/parts.ts'
import { partOf } from '../../lib/learn/state-parts.ts'
import type { CheckpointHead, PartRef } from '../../lib/registry/checkpoint-head.ts'
import { namedPictures } from '../../lib/service/housekeeping-pictures.ts'
import { type TemporaryStores, temporaryStores } from '../support/stores.ts'
import { stateWith } from './housekeeping-folder.ts'

type Names = 'buffer' | 'heldOut'

/** Stores a part that names these pictures. */
async function stored({ blobs }: TemporaryStores, name: Names, ids: string[]): Promise<PartRef> {
  const state = name === 'buffer' ? stateWith(ids) : stateWith([], ids)
  const bytes = encodePart(partOf(state, name) ?? { json: {}, arrays: {} })
  return { digest: await blobs.put('state', bytes), bytes: bytes.length }
}

const head = (seq: number, more: Partial<CheckpointHead>): CheckpointHead => ({
  format: 1,
  lineage: 'main',
  seq,
  fence: 1,
  log: 'log',
  at: 0,
  offsets: {},
  counts: {},
  parts: {},
  random: {},
  settings: '',
  model: { next: 1 },
  ...more,
})

describe('namedPictures', () => {
  it('finds those of every checkpoint, held out and frozen ones included', async () => {
    const stores = temporaryStores()
    const parts = {
      buffer: await stored(stores, 'buffer', ['a', 'b']),
      heldOut: await stored(stores, 'heldOut', ['c']),
    }
    const frozen = { buffer: await stored(stores, 'buffer', ['d']) }
    const older = { buffer: await stored(stores, 'buffer', ['b', 'e']) }
    const found = await namedPictures(stores.blobs, [
      head(2, { parts, round: { number: 1, seed: 1, parts: frozen } }),
      head(1, { parts: older }),
    ])
    expect([...found.ids].sort()).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(found.unreadable).toEqual([])
  })

  it('says of which checkpoints a part is missing, damaged or of another form', async () => {
    const stores = temporaryStores()
    const missing: PartRef = { digest: '0'.repeat(64), bytes: 9 }
    const noPart = new TextEncoder().encode('no part at all')
    const odd: PartRef = { digest: await stores.blobs.put('state', noPart), bytes: noPart.length }
    const buffer = await stored(stores, 'buffer', ['a'])
    const found = await namedPictures(stores.blobs, [
      head(1, { parts: { buffer, heldOut: missing } }),
      head(2, { parts: { buffer: odd } }),
      head(3, { parts: { buffer } }),
    ])
    expect(found.unreadable).toEqual([
      'checkpoint/main/00000000000000000001',
      'checkpoint/main/00000000000000000002',
    ])
  })
})
