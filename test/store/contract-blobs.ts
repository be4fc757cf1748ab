import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { BlobInfo, BlobStore, Space } from '../../lib/store/types.ts'
import { kills, killsMs, startChild } from './child.ts'
import { type BlobHarness, fixture, mostSteps, stepsMs } from './harness.ts'
import type { News, Order } from './peer.ts'

type Done = Extract<News, { is: 'done' }>

const hour = 3_600_000
const maxBytes = 1024 ** 3

/**
 * What "a blob store" means: every adapter's test calls this.
 *
 * @param name - Of the adapter.
 * @param make - Makes a fresh, empty store.
 */
export function describeBlobStore(name: string, make: () => Promise<BlobHarness>): void {
  describe(`${name} blobs`, () => {
    const given = fixture<BlobStore, BlobHarness>(make)

    it('names a blob by the sha256 of its bytes', async () => {
      const { store } = given()
      const bytes = Buffer.from('a picture')
      expect(await store.put('pictures', bytes)).toBe(digestOf(bytes))
    })

    it.each([0, 1, 1_000, 3_000_000])('gives back %i bytes as they were', async (size) => {
      const { store } = given()
      const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31) & 255)
      const digest = await store.put('state', bytes)
      expect(await store.get('state', digest, { maxBytes })).toEqual(bytes)
    })

    it('keeps the spaces apart', async () => {
      const { store } = given()
      const digest = await store.put('models', Buffer.from('a'))
      expect(await store.get('index', digest, { maxBytes })).toBeUndefined()
      expect(await store.stat('index', digest)).toBeUndefined()
    })

    it('answers absence with undefined', async () => {
      const { store } = given()
      const digest = digestOf(Buffer.from('never put'))
      expect(await store.get('pictures', digest, { maxBytes })).toBeUndefined()
      expect(await store.stat('pictures', digest)).toBeUndefined()
      expect(await store.keep(digest)).toBe(false)
      expect(await store.delete('pictures', digest, { olderThanMs: 0 })).toBe(false)
    })

    it('refuses to read more than it was asked for', async () => {
      const { store } = given()
      const digest = await store.put('pictures', new Uint8Array(11))
      expect(await store.get('pictures', digest, { maxBytes: 11 })).toHaveLength(11)
      await expect(store.get('pictures', digest, { maxBytes: 10 })).rejects.toMatchObject({
        code: 'INPUT',
      })
    })

    it('refuses a blob above the limit', async () => {
      const { store } = given()
      await expect(store.put('pictures', new Uint8Array(maxBytes + 1))).rejects.toMatchObject({
        code: 'INPUT',
      })
    })

    it.each(['', 'abc', '../../../../etc/passwd', 'A'.repeat(64)])(
      'refuses %j as a digest',
      async (digest) => {
        const { store } = given()
        await expect(store.get('pictures', digest, { maxBytes })).rejects.toMatchObject({
          code: 'INPUT',
        })
        await expect(store.delete('pictures', digest, { olderThanMs: 0 })).rejects.toMatchObject({
          code: 'INPUT',
        })
      },
    )

    it('lets all of twenty equal puts at once succeed', async () => {
      const { harness, store } = given()
      const other = await harness.open()
      const bytes = new Uint8Array(10_000).fill(5)
      const digests = await Promise.all(
        Array.from({ length: 20 }, (_, i) => (i % 2 ? other : store).put('pictures', bytes)),
      )
      expect(new Set(digests)).toEqual(new Set([digestOf(bytes)]))
      expect(await infos(store, 'pictures')).toHaveLength(1)
    })

    it('lets equal puts of two processes succeed', async () => {
      const { harness, store } = given()
      const peers = [startChild(harness.peer()), startChild(harness.peer())]
      await Promise.all(peers.map((peer) => peer.hear('open')))
      for (const peer of peers) {
        for (let i = 0; i < 20; i++) peer.tell({ is: 'put', text: `blob ${i}` } as Order)
      }
      for (let i = 0; i < 20; i++) await Promise.all(peers.map((peer) => peer.hear('done')))
      expect(await wholeBlobs(store, 'pictures')).toHaveLength(20)
    })

    it('never shows a part of a blob', async () => {
      const { harness, store } = given()
      const reader = await harness.open()
      const bytes = new Uint8Array(2_000_000).fill(9)
      const digest = digestOf(bytes)
      let isWriting = true
      const writing = store.put('pictures', bytes).finally(() => {
        isWriting = false
      })
      while (isWriting) {
        await nextTurn() // an absent blob is told without I/O: the writer needs its turn
        const found = await reader.get('pictures', digest, { maxBytes })
        expect(found?.length ?? bytes.length).toBe(bytes.length)
      }
      await writing
    })

    it('tells size, age and whether a blob is kept', async () => {
      const { harness, store } = given()
      const digest = await store.put('pictures', new Uint8Array(7))
      harness.advance(5 * hour)
      const info = await store.stat('pictures', digest)
      expect(info).toMatchObject({ digest, bytes: 7, kept: false })
      expect(info?.ageMs).toBeGreaterThanOrEqual(5 * hour)
      expect(info?.ageMs).toBeLessThan(6 * hour)
    })

    it('renews the age of a blob that is put again after half a day', async () => {
      const { harness, store } = given()
      const digest = await store.put('pictures', new Uint8Array(7))
      harness.advance(13 * hour)
      await store.put('pictures', new Uint8Array(7))
      expect((await store.stat('pictures', digest))?.ageMs).toBeLessThan(hour)
    })

    it('renews the age of a picture that it is told to keep', async () => {
      const { harness, store } = given()
      const digest = await store.put('pictures', new Uint8Array(7))
      harness.advance(hour * 2)
      expect(await store.keep(digest)).toBe(true)
      const info = await store.stat('pictures', digest)
      expect(info?.kept).toBe(true)
      expect(info?.ageMs).toBeLessThan(hour)
    })

    it('answers for a kept picture after others have expired', async () => {
      const { harness, store } = given()
      const kept = await store.put('pictures', Buffer.from('kept'))
      const other = await store.put('pictures', Buffer.from('other'))
      await store.keep(kept)
      harness.advance(48 * hour)
      await harness.expire(store, { pictures: 24 * hour })
      expect(await store.get('pictures', kept, { maxBytes })).toEqual(bytesOf('kept'))
      expect(await store.get('pictures', other, { maxBytes })).toBeUndefined()
    })

    it('lets expiry have a picture that is no longer kept', async () => {
      const { harness, store } = given()
      const digest = await store.put('pictures', Buffer.from('a'))
      await store.keep(digest)
      await store.unkeep(digest)
      harness.advance(48 * hour)
      await harness.expire(store, { pictures: 24 * hour })
      expect(await store.stat('pictures', digest)).toBeUndefined()
    })

    it('does not let expiry have what was just put or kept again', async () => {
      const { harness, store } = given()
      const put = await store.put('pictures', Buffer.from('put'))
      const kept = await store.put('pictures', Buffer.from('kept'))
      harness.advance(48 * hour)
      await store.put('pictures', Buffer.from('put'))
      await store.keep(kept)
      await store.unkeep(kept)
      await harness.expire(store, { pictures: 24 * hour })
      expect((await infos(store, 'pictures')).map(({ digest }) => digest).toSorted()).toEqual(
        [put, kept].toSorted(),
      )
    })

    it('leaves younger and kept blobs alone when it deletes', async () => {
      const { harness, store } = given()
      const digest = await store.put('pictures', Buffer.from('a'))
      harness.advance(hour)
      expect(await store.delete('pictures', digest, { olderThanMs: 2 * hour })).toBe(false)
      await store.keep(digest)
      harness.advance(4 * hour)
      expect(await store.delete('pictures', digest, { olderThanMs: 2 * hour })).toBe(false)
      expect(await store.get('pictures', digest, { maxBytes })).toEqual(bytesOf('a'))
      await store.unkeep(digest)
      expect(await store.delete('pictures', digest, { olderThanMs: 2 * hour })).toBe(true)
      expect(await store.delete('pictures', digest, { olderThanMs: 0 })).toBe(false)
      expect(await store.get('pictures', digest, { maxBytes })).toBeUndefined()
    })

    it('takes a blob again that was deleted', async () => {
      const { store } = given()
      const digest = await store.put('pictures', Buffer.from('a'))
      await store.delete('pictures', digest, { olderThanMs: 0 })
      await store.put('pictures', Buffer.from('a'))
      expect(await store.get('pictures', digest, { maxBytes })).toEqual(bytesOf('a'))
    })

    it('keeps what was put while another process deleted it', async () => {
      const { harness, store } = given()
      const peer = startChild(harness.peer())
      await peer.hear('open')
      const digest = digestOf(Buffer.from('contended'))
      for (let i = 0; i < 60; i++) {
        peer.tell({ is: 'delete', digest } as Order)
        await store.put('pictures', Buffer.from('contended'))
        const { result } = await peer.hear<Done>('done')
        const found = await store.get('pictures', digest, { maxBytes })
        // Whoever came last has its way, but a row and its bytes go together.
        expect(found === undefined).toBe((await store.stat('pictures', digest)) === undefined)
        if (result === false) expect(found).toBeDefined()
      }
    })

    it('loses nothing that is put again or kept while old blobs are deleted', async () => {
      const { harness, store } = given()
      const collector = await harness.open()
      for (let i = 0; i < 10; i++) {
        const [put, kept] = [`put ${i}`, `kept ${i}`]
        const digests = await Promise.all(
          [put, kept].map((text) => store.put('pictures', Buffer.from(text))),
        )
        harness.advance(25 * hour)
        const collecting = digests.map((digest) =>
          collector.delete('pictures', digest, { olderThanMs: 24 * hour }),
        )
        const [, isKept] = await Promise.all([
          store.put('pictures', Buffer.from(put)),
          store.keep(digests[1] as string),
          ...collecting,
        ])
        const found = await Promise.all(
          digests.map((digest) => store.get('pictures', digest, { maxBytes })),
        )
        expect(found[0]).toEqual(bytesOf(put))
        // The collector may have been first.
        expect(found[1]).toEqual(isKept ? bytesOf(kept) : undefined)
      }
    })

    it('keeps a picture again whose time has passed', async () => {
      const { harness, store } = given()
      const digest = await store.put('pictures', Buffer.from('a'))
      await store.keep(digest)
      harness.advance(48 * hour)
      await harness.expire(store, { pictures: 24 * hour })
      expect(await store.keep(digest)).toBe(true)
      await store.unkeep(digest)
      await harness.expire(store, { pictures: 24 * hour })
      expect(await store.get('pictures', digest, { maxBytes })).toEqual(bytesOf('a'))
    })

    it('lists all blobs of a space, or only those kept, or only the others', async () => {
      const { store } = given()
      const digests = await Promise.all(
        Array.from({ length: 12 }, (_, i) => store.put('pictures', Buffer.from(`${i}`))),
      )
      await store.put('state', Buffer.from('elsewhere'))
      const kept = digests.slice(0, 5).toSorted()
      for (const digest of kept) await store.keep(digest)
      const names = async (o?: { kept: boolean }) =>
        (await infos(store, 'pictures', o)).map(({ digest }) => digest).toSorted()
      expect(await names()).toEqual(digests.toSorted())
      expect(await names({ kept: true })).toEqual(kept)
      expect(await names({ kept: false })).toEqual(digests.slice(5).toSorted())
    })

    it('lists during writes each blob that was there all the time', async () => {
      const { store } = given()
      const old = await Promise.all(
        Array.from({ length: 20 }, (_, i) => store.put('pictures', Buffer.from(`old ${i}`))),
      )
      const writing = Array.from({ length: 20 }, (_, i) =>
        store.put('pictures', Buffer.from(`new ${i}`)),
      )
      const listed = new Set((await infos(store, 'pictures')).map(({ digest }) => digest))
      await Promise.all(writing)
      expect(old.filter((digest) => !listed.has(digest))).toEqual([])
    })

    it('calls other bytes damaged', async () => {
      const { harness, store } = given()
      const digest = await store.put('models', Buffer.from('weights'))
      await harness.flipByte('models', digest)
      await expect(store.get('models', digest, { maxBytes })).rejects.toMatchObject({
        code: 'STORE',
        reason: 'damaged',
      })
    })

    it('makes a damaged blob whole again when it is put again', async () => {
      const { harness, store } = given()
      const digest = await store.put('models', Buffer.from('weights'))
      await harness.flipByte('models', digest)
      await store.put('models', Buffer.from('weights'))
      expect(await store.get('models', digest, { maxBytes })).toEqual(bytesOf('weights'))
    })

    it.each(['put', 'keep', 'delete'] as const)(
      'has done a %s that it resolved before a kill, and nothing in part',
      async (what) => {
        const { harness, store } = given()
        for (let step = 1; step <= mostSteps; step++) {
          const text = `${what} ${step}`
          const digest = digestOf(Buffer.from(text))
          if (what !== 'put') await store.put('pictures', Buffer.from(text))
          const peer = startChild(harness.mortalPeer?.(step) ?? harness.peer())
          await peer.hear('open')
          peer.tell({ is: 'count' } as Order)
          peer.tell({ is: what, text, digest } as Order)
          const done = await peer.hear('done').catch(() => undefined)
          await peer.signal('SIGKILL')
          await wholeBlobs(store, 'pictures')
          const info = await store.stat('pictures', digest)
          if (done && what === 'put') expect(info).toBeDefined()
          if (done && what === 'keep') expect(info?.kept).toBe(true)
          if (done && what === 'delete') expect(info).toBeUndefined()
          // Nothing of what died stands in the way.
          await store.put('pictures', Buffer.from(text))
          expect(await store.get('pictures', digest, { maxBytes })).toEqual(bytesOf(text))
          if (done) return
        }
        throw new Error(`expected a ${what} of at most ${mostSteps} steps`)
      },
      stepsMs,
    )

    it(
      'has stored all it resolved when killed at any moment of a long run',
      async () => {
        const { harness, store } = given()
        const said: Done[] = []
        for (let round = 0; round < kills; round++) {
          const peer = startChild(harness.peer())
          await peer.hear('open')
          peer.tell({ is: 'remake', text: `round ${round}` } as Order)
          for (let i = 0; i < (round * 5) % 13; i++) await peer.hear('done')
          await peer.signal('SIGKILL')
          said.push(...peer.said.filter((message): message is Done => message.is === 'done'))
        }
        const whole = new Set(await wholeBlobs(store, 'pictures'))
        expect(said.filter(({ result }) => !whole.has(String(result)))).toEqual([])
      },
      killsMs,
    )

    it('refuses on a full disk, and takes the blob once there is room', async ({ skip }) => {
      const { harness, store } = given()
      const free = (await harness.faults?.fullDisk(store)) ?? skip('the store cannot be filled')
      const puts = Array.from({ length: 400 }, (_, i) => store.put('state', Buffer.from(`${i}`)))
      const settled = await Promise.allSettled(puts)
      const refused = settled.filter((one) => one.status === 'rejected').map((one) => one.reason)
      expect(refused.length).toBeGreaterThan(0)
      expect(refused).toEqual(
        refused.map(() => expect.objectContaining({ code: 'STORE', reason: 'disk-full' })),
      )
      const acked = settled.filter((one) => one.status === 'fulfilled').map((one) => one.value)
      expect(await wholeBlobs(store, 'state')).toEqual(acked.toSorted())
      await free()
      await Promise.all(
        Array.from({ length: 400 }, (_, i) => store.put('state', Buffer.from(`${i}`))),
      )
      expect(await wholeBlobs(store, 'state')).toHaveLength(400)
    })

    it('refuses while it may only read', async ({ skip }) => {
      const { harness, store } = given()
      const heal = (await harness.faults?.readOnly(store)) ?? skip('the store cannot be locked')
      await expect(store.put('state', Buffer.from('a'))).rejects.toMatchObject({
        code: 'STORE',
        reason: 'read-only',
      })
      await heal()
      await store.put('state', Buffer.from('a'))
    })

    it('reports a lost answer as done or unknown, never as undone', async ({ skip }) => {
      const { harness, store } = given()
      if (!harness.faults) skip('answers cannot be lost')
      await harness.faults?.loseAnswer(store)
      const outcome = await store.put('state', Buffer.from('a')).catch((error) => error)
      if (typeof outcome !== 'string') {
        expect(outcome).toMatchObject({ reason: 'unknown', retryable: true })
      }
      const again = await harness.open()
      expect(await wholeBlobs(again, 'state')).toHaveLength(1)
    })
  })
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

async function infos(
  store: BlobStore,
  space: Space,
  options?: { kept: boolean },
): Promise<BlobInfo[]> {
  return Array.fromAsync(store.list(space, options))
}

/** Digests of all blobs, each read and found whole. */
async function wholeBlobs(store: BlobStore, space: Space): Promise<string[]> {
  const digests = (await infos(store, space)).map(({ digest }) => digest).toSorted()
  for (const digest of digests) {
    const bytes = await store.get(space, digest, { maxBytes })
    expect(bytes && digestOf(bytes)).toBe(digest)
  }
  return digests
}
