import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DocumentStore, Found, JsonObject, Write } from '../../lib/store/types.ts'
import { startChild } from './child.ts'
import { fixture, mostSteps, type StoreHarness, stepsMs } from './harness.ts'
import type { News, Order } from './peer.ts'

type DocumentHarness = StoreHarness<DocumentStore>

/**
 * What "a document store" means: every adapter's test calls this.
 *
 * @param name - Of the adapter.
 * @param make - Makes a fresh, empty store.
 */
export function describeDocumentStore(name: string, make: () => Promise<DocumentHarness>): void {
  describe(`${name} documents`, () => {
    const given = fixture<DocumentStore, DocumentHarness>(make)

    it('reads nothing where nothing was written', async () => {
      expect(await given().store.read('absent')).toBeUndefined()
    })

    it('reads what was created, with its tag', async () => {
      const { store } = given()
      const tag = tagOf(await store.create('a/b', { format: 1, list: [1, null, 'ü'] }))
      expect(await store.read('a/b')).toEqual({ value: { format: 1, list: [1, null, 'ü'] }, tag })
    })

    it('says only that it is unchanged to who knows the tag', async () => {
      const { store } = given()
      const tag = tagOf(await store.create('a', { n: 1 }))
      expect(await store.read('a', tag)).toBe('unchanged')
      await store.swap('a', { n: 2 }, tag)
      expect(await store.read('a', tag)).toMatchObject({ value: { n: 2 } })
    })

    it('creates only what is absent; the loser gets the current value', async () => {
      const { store } = given()
      const tag = tagOf(await store.create('a', { n: 1 }))
      const lost = await store.create('a', { n: 2 })
      expect(lost).toEqual({ ok: false, current: { value: { n: 1 }, tag } })
    })

    it('swaps only under the present tag; the loser gets the current value', async () => {
      const { store } = given()
      const first = tagOf(await store.create('a', { n: 1 }))
      const second = tagOf(await store.swap('a', { n: 2 }, first))
      const lost = await store.swap('a', { n: 3 }, first)
      expect(lost).toEqual({ ok: false, current: { value: { n: 2 }, tag: second } })
    })

    it('swaps nothing where nothing is', async () => {
      const { store } = given()
      const tag = tagOf(await store.create('a', { n: 1 }))
      await store.remove('a', tag)
      expect(await store.swap('a', { n: 2 }, tag)).toEqual({ ok: false, current: undefined })
    })

    it('never lets a tag come back, not even for equal content', async () => {
      const { store } = given()
      const tags = [tagOf(await store.create('a', { n: 1 }))]
      for (let i = 0; i < 5; i++) {
        tags.push(tagOf(await store.swap('a', { n: 1 }, tags.at(-1) as string)))
        await store.remove('a', tags.at(-1) as string)
        tags.push(tagOf(await store.create('a', { n: 1 })))
      }
      expect(new Set(tags).size).toBe(tags.length)
    })

    it('removes only under the present tag', async () => {
      const { store } = given()
      const first = tagOf(await store.create('a', { n: 1 }))
      const second = tagOf(await store.swap('a', { n: 2 }, first))
      expect(await store.remove('a', first)).toBe(false)
      expect(await store.remove('a', second)).toBe(true)
      expect(await store.remove('a', second)).toBe(false)
      expect(await store.read('a')).toBeUndefined()
    })

    it('lets exactly one of twenty creates win', async () => {
      const { harness, store } = given()
      const other = await harness.open()
      const writes = await Promise.all(
        Array.from({ length: 20 }, (_, n) => (n % 2 ? other : store).create('a', { n })),
      )
      const winner = writes.findIndex(({ ok }) => ok)
      expect(writes.filter(({ ok }) => ok)).toHaveLength(1)
      expect(await store.read('a')).toMatchObject({ value: { n: winner } })
      for (const lost of writes.filter(isLost)) expect(lost.current?.value).toEqual({ n: winner })
    })

    it('lets exactly one of twenty swaps under one tag win', async () => {
      const { harness, store } = given()
      const other = await harness.open()
      const tag = tagOf(await store.create('a', { n: -1 }))
      const writes = await Promise.all(
        Array.from({ length: 20 }, (_, n) => (n % 2 ? other : store).swap('a', { n }, tag)),
      )
      expect(writes.filter(({ ok }) => ok)).toHaveLength(1)
      const winner = { n: writes.findIndex(({ ok }) => ok) }
      expect(await other.read('a')).toMatchObject({ value: winner })
      for (const lost of writes.filter(isLost)) expect(lost.current?.value).toEqual(winner)
    })

    it('shows to every client what another one has written', async () => {
      const { harness, store } = given()
      const other = await harness.open()
      let tag = tagOf(await store.create('a', { n: 0 }))
      for (let n = 1; n < 20; n++) {
        const [writer, reader] = n % 2 ? [store, other] : [other, store]
        tag = tagOf(await writer.swap('a', { n }, tag))
        expect(await reader.read('a')).toEqual({ value: { n }, tag })
      }
    })

    it('loses no create and no swap of two processes', async () => {
      const { harness, store } = given()
      const peers = [startChild(harness.peer()), startChild(harness.peer())]
      await Promise.all(peers.map((peer) => peer.hear('open')))
      for (const peer of peers) peer.tell({ is: 'contend', key: 'counter', times: 50 } as Order)
      const won = await Promise.all(
        peers.map((peer) => peer.hear<Extract<News, { is: 'won' }>>('won')),
      )
      const tags = won.flatMap((news) => news.tags)
      expect(await store.read('counter')).toMatchObject({ value: { n: 100 } })
      expect(new Set(tags).size).toBe(100)
    })

    it(
      'has stored what it resolved before a kill, and nothing in part',
      async () => {
        const { harness, store } = given()
        for (let step = 1; step <= mostSteps; step++) {
          const peer = startChild(harness.mortalPeer?.(step) ?? harness.peer())
          await peer.hear('open')
          peer.tell({ is: 'count' } as Order)
          peer.tell({ is: 'write', key: 'a', value: { step } } as Order)
          const isDone = await peer.hear('done').catch(() => undefined)
          await peer.signal('SIGKILL')
          const found = (await store.read('a')) as Found | undefined
          const previous = found?.value['step']
          if (isDone) return expect(previous).toBe(step)
          // What died half-way counts wholly or not at all, and does not stand in the way.
          expect([undefined, step - 1, step]).toContain(previous)
          if (previous !== step) await settle(store, found, { step })
        }
        throw new Error(`expected a write of at most ${mostSteps} steps`)
      },
      stepsMs,
    )

    it('lists the keys under a prefix in the order of their bytes', async () => {
      const { store } = given()
      const keys = ['b', 'a/2', 'a/10', 'a.b', 'a/1/x', 'ab', 'a-b', 'a_b', 'a']
      for (const key of keys) await store.create(key, {})
      expect(await store.list('')).toEqual(keys.toSorted())
      expect(await store.list('a/')).toEqual(['a/1/x', 'a/10', 'a/2'])
      expect(await store.list('c')).toEqual([])
    })

    it('lists in pages', async () => {
      const { store } = given()
      for (let i = 0; i < 7; i++) await store.create(`a/${i}`, {})
      const page = await store.list('a/', { limit: 3 })
      expect(page).toEqual(['a/0', 'a/1', 'a/2'])
      expect(await store.list('a/', { after: 'a/2', limit: 3 })).toEqual(['a/3', 'a/4', 'a/5'])
      expect(await store.list('a/', { after: 'a/6' })).toEqual([])
    })

    it('lists during writes each key that was there all the time', async () => {
      const { store } = given()
      for (let i = 0; i < 20; i++) await store.create(`a/${i}/old`, {})
      const writing = Promise.all(
        Array.from({ length: 20 }, (_, i) => store.create(`a/${i}/new`, {})),
      )
      const listed = await store.list('a/')
      await writing
      expect(listed.filter((key) => key.endsWith('old'))).toHaveLength(20)
    })

    it('takes a document of the largest size and refuses a larger one', async () => {
      const { store } = given()
      const overhead = JSON.stringify({ text: '' }).length
      const text = 'x'.repeat(256 * 1024 - overhead)
      expect((await store.create('a', { text })).ok).toBe(true)
      expect(await store.read('a')).toMatchObject({ value: { text } })
      await expect(store.create('b', { text: `${text}x` })).rejects.toMatchObject({ code: 'INPUT' })
      await expect(store.create('b', { text: `${text.slice(1)}ü` })).rejects.toMatchObject({
        code: 'INPUT',
      })
      expect(await store.read('b')).toBeUndefined()
    })

    it('gives back any JSON object as it was', async () => {
      const { store } = given()
      let n = 0
      await fc.assert(
        fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (value) => {
          const json = JSON.parse(JSON.stringify(value)) as JsonObject
          await store.create(`any/${++n}`, json)
          expect(await store.read(`any/${n}`)).toMatchObject({ value: json })
        }),
        { seed: 3, numRuns: 40 },
      )
    })

    it.each([[[]], [null], ['text'], [1]])('refuses %j, which is no JSON object', async (value) => {
      const { store } = given()
      await expect(store.create('a', value as never)).rejects.toMatchObject({ code: 'INPUT' })
    })

    it.each(['a', 'a/b.c/d_e-f', '.a', 'a..b', '0'.repeat(200)])(
      'takes the key %s',
      async (key) => {
        const { store } = given()
        await store.create(key, { format: 1 })
        expect(await store.read(key)).toMatchObject({ value: { format: 1 } })
      },
    )

    it.each([
      '',
      'A',
      'ä',
      'a b',
      '/a',
      'a/',
      'a//b',
      '.',
      'a/../b',
      'a/.',
      'a\n',
      '0'.repeat(201),
    ])('refuses the key %j', async (key) => {
      const { store } = given()
      await expect(store.create(key, {})).rejects.toMatchObject({ code: 'INPUT' })
      await expect(store.read(key)).rejects.toMatchObject({ code: 'INPUT' })
    })

    it('refuses on a full disk, keeps what was there, and writes once there is room', async ({
      skip,
    }) => {
      const { harness, store } = given()
      const tag = tagOf(await store.create('a', { n: 1 }))
      const text = 'x'.repeat(200_000)
      const free = (await harness.faults?.fullDisk(store)) ?? skip('the store cannot be filled')
      await expect(store.swap('a', { text }, tag)).rejects.toMatchObject({
        code: 'STORE',
        reason: 'disk-full',
        retryable: true,
      })
      expect(await store.read('a')).toEqual({ value: { n: 1 }, tag })
      await free()
      expect((await store.swap('a', { text }, tag)).ok).toBe(true)
    })

    it('refuses while it may only read', async ({ skip }) => {
      const { harness, store } = given()
      const heal = (await harness.faults?.readOnly(store)) ?? skip('the store cannot be locked')
      await expect(store.create('a', {})).rejects.toMatchObject({
        code: 'STORE',
        reason: 'read-only',
        retryable: false,
      })
      await heal()
      expect((await store.create('a', {})).ok).toBe(true)
    })

    it('reports a lost answer as won, lost, or unknown to be read again', async ({ skip }) => {
      const { harness, store } = given()
      const tag = tagOf(await store.create('a', { n: 1 }))
      if (!harness.faults) skip('answers cannot be lost')
      await harness.faults?.loseAnswer(store)
      const outcome = await store.swap('a', { n: 2 }, tag).catch((error) => error)
      if (!outcome.ok) expect(outcome).toMatchObject({ reason: 'unknown', retryable: true })
      expect(await (await harness.open()).read('a')).toMatchObject({ value: { n: 2 } })
    })
  })
}

function tagOf(write: Write): string {
  if (write.ok) return write.tag
  throw new Error(`expected a write that wins, got ${JSON.stringify(write)}`)
}

function isLost(write: Write): write is Extract<Write, { ok: false }> {
  return !write.ok
}

/** Writes over what was found. */
async function settle(store: DocumentStore, found: Found | undefined, value: JsonObject) {
  tagOf(found ? await store.swap('a', value, found.tag) : await store.create('a', value))
}
