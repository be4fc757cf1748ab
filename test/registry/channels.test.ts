import { describe, expect, it } from 'vitest'
import { LeaseLostError } from '../../lib/errors.ts'
import { audit } from '../../lib/registry/audit.ts'
import type { Release } from '../../lib/registry/channel-document.ts'
import { channel } from '../../lib/registry/channels.ts'
import { versionId } from '../../lib/registry/version-id.ts'
import type { DocumentStore } from '../../lib/store/types.ts'
import { move } from '../support/models.ts'
import { failEveryCall, temporaryStores } from '../support/stores.ts'

const target = (n: number, generation?: string): Release => {
  const manifest = String(n).padEnd(64, 'a')
  const version = versionId(n, manifest)
  return { version, manifest, ...(generation !== undefined && { generation }) }
}

/** No gap, nothing invented: the audit is the numbers 1 to `seq`, ending in the present state. */
async function expectWholeAudit(documents: DocumentStore): Promise<void> {
  const state = await channel(documents, 'stable').read()
  const moves = await audit(documents).moves('stable')
  expect(moves.map(({ seq }) => seq)).toEqual(moves.map((_, i) => i + 1))
  expect(moves).toHaveLength(state?.seq ?? 0)
  expect(moves.at(-1)?.version).toBe(state?.version)
}

describe('channel', () => {
  it('names nothing at first', async () => {
    expect(await channel(temporaryStores().documents, 'stable').read()).toBeUndefined()
  })

  it('moves, counts its moves and remembers what it named before', async () => {
    const { documents } = temporaryStores()
    const stable = channel(documents, 'stable')
    await stable.move(target(1), { move, fence: 3 })
    await stable.move(target(2, 'g2'), { move })
    expect(await stable.read()).toEqual({
      format: 1,
      channel: 'stable',
      seq: 2,
      ...target(2, 'g2'),
      previous: target(1),
      pinned: false,
      approved: false,
      fence: 3,
      move,
    })
  })

  it('takes a move to where it is for done', async () => {
    const { documents } = temporaryStores()
    const stable = channel(documents, 'stable')
    await stable.move(target(1), { move, approved: true })
    const moved = await stable.move(target(1), { move: { ...move, at: 9 }, ifSeq: 0 })
    expect(moved).toMatchObject({ moved: true, state: { seq: 1, approved: true, move } })
  })

  it('counts a pin as a move and keeps what it named before', async () => {
    const stable = channel(temporaryStores().documents, 'stable')
    await stable.move(target(1), { move })
    await stable.move(target(2), { move })
    await stable.move(target(2), { move, pinned: true })
    expect(await stable.read()).toMatchObject({ seq: 3, pinned: true, previous: target(1) })
  })

  it('is not pinned any more when it moves on', async () => {
    const stable = channel(temporaryStores().documents, 'stable')
    await stable.move(target(1), { move, pinned: true })
    await stable.move(target(2), { move })
    expect((await stable.read())?.pinned).toBe(false)
  })

  it('does not move when it no longer stands where the mover saw it', async () => {
    const stable = channel(temporaryStores().documents, 'stable')
    await stable.move(target(1), { move, ifSeq: 0 })
    const late = await stable.move(target(2), { move, ifSeq: 0 })
    expect(late).toMatchObject({ moved: false, current: target(1) })
  })

  it('lets exactly one of two movers win who saw the same state', async () => {
    const stores = temporaryStores()
    const moves = [1, 2].map((n) =>
      channel(stores.again().documents, 'stable').move(target(n), { move, ifSeq: 0 }),
    )
    const outcomes = await Promise.all(moves)
    expect(outcomes.filter(({ moved }) => moved)).toHaveLength(1)
    await expectWholeAudit(stores.documents)
  })

  it('keeps a whole audit of many movers at once', async () => {
    const stores = temporaryStores()
    await Promise.all(
      [1, 2, 3, 4, 5, 6].map((n) =>
        channel(stores.again().documents, 'stable').move(target(n), { move }),
      ),
    )
    expect((await channel(stores.documents, 'stable').read())?.seq).toBe(6)
    await expectWholeAudit(stores.documents)
  })

  it('refuses the fence of an earlier holder', async () => {
    const stable = channel(temporaryStores().documents, 'stable')
    await stable.move(target(1), { move, fence: 5 })
    await expect(stable.move(target(2), { move, fence: 4 })).rejects.toThrow(LeaseLostError)
    await expect(stable.adopt(4)).rejects.toThrow(LeaseLostError)
    expect(await stable.read()).toMatchObject({ seq: 1, fence: 5 })
  })

  it('refuses an earlier holder once it was adopted, without counting a move', async () => {
    const { documents } = temporaryStores()
    const stable = channel(documents, 'stable')
    await stable.adopt(2) // nothing there yet: nothing to write
    await stable.move(target(1), { move, fence: 1 })
    await stable.adopt(2)
    expect(await stable.read()).toMatchObject({ seq: 1, fence: 2 })
    await expect(stable.move(target(2), { move, fence: 1 })).rejects.toThrow(LeaseLostError)
    await expectWholeAudit(documents)
  })

  it('fails the swap of a holder that fell asleep after reading', async () => {
    const stores = temporaryStores()
    await channel(stores.documents, 'stable').move(target(1), { move, fence: 1 })
    const later = channel(stores.again().documents, 'stable')
    const sleepy: DocumentStore = {
      ...stores.documents,
      async swap(...args) {
        await later.adopt(2)
        return stores.documents.swap(...args)
      },
    }
    const moving = channel(sleepy, 'stable').move(target(2), { move, fence: 1 })
    await expect(moving).rejects.toThrow(LeaseLostError)
    expect((await later.read())?.version).toBe(target(1).version)
  })

  it('moves all the same when only a fence was written meanwhile', async () => {
    const stores = temporaryStores()
    await channel(stores.documents, 'stable').move(target(1), { move, fence: 1 })
    let isFirst = true
    const slow: DocumentStore = {
      ...stores.documents,
      async swap(...args) {
        if (isFirst) {
          isFirst = false
          await channel(stores.again().documents, 'stable').adopt(2)
        }
        return stores.documents.swap(...args)
      },
    }
    const moved = await channel(slow, 'stable').move(target(2), { move, ifSeq: 1 })
    expect(moved).toMatchObject({ moved: true, state: { seq: 2, fence: 2 } })
  })

  it('has a whole audit wherever a mover died, once somebody moves it again', async () => {
    const calls = await failEveryCall(
      ['dies-before', 'dies-after', 'answer-lost'],
      async () => {
        const stores = temporaryStores()
        await channel(stores.documents, 'stable').move(target(1), { move })
        return stores
      },
      async ({ documents }) => {
        await channel(documents, 'stable').move(target(2), { move })
        await channel(documents, 'stable').adopt(7)
        await channel(documents, 'stable').move(target(3), { move, pinned: true })
      },
      async ({ documents }) => {
        const left = await channel(documents, 'stable').read()
        await channel(documents, 'stable').move(target(9), { move, fence: 8 })
        await expectWholeAudit(documents)
        expect((await channel(documents, 'stable').read())?.seq).toBe((left?.seq ?? 0) + 1)
      },
    )
    expect(calls).toBeGreaterThan(10)
  })
})
