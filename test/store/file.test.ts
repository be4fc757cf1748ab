import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LeaseLostError } from '../../lib/errors.ts'
import { sweepBlobs } from '../../lib/store/file-sweep.ts'
import type { BlobStore } from '../../lib/store/types.ts'
import { describeBlobStore } from './contract.ts'
import { type FileHarness, fileHarness } from './local-harness.ts'

describeBlobStore('file', fileHarness)

const hour = 3_600_000
const maxBytes = 1_000_000

describe('fileBlobs', () => {
  let harness: FileHarness
  let store: BlobStore
  beforeEach(async () => {
    harness = await fileHarness()
    store = await harness.open()
  })
  afterEach(() => harness.dispose())

  /** A blob whose writer died before its row. */
  async function withoutRow(text: string): Promise<string> {
    const digest = await store.put('pictures', Buffer.from(text))
    harness.under(store).db.prepare('DELETE FROM blob WHERE digest = ?').run(digest)
    return digest
  }

  it('takes over a file without a row when the same bytes are put', async () => {
    const digest = await withoutRow('orphan')
    expect(await store.get('pictures', digest, { maxBytes })).toBeUndefined()
    const before = await stat(harness.path('pictures', digest))
    await store.put('pictures', Buffer.from('orphan'))
    expect(await store.get('pictures', digest, { maxBytes })).toHaveLength(6)
    expect((await stat(harness.path('pictures', digest))).ino).toBe(before.ino)
  })

  it('calls a file of another length damaged without reading it', async () => {
    const digest = await store.put('state', Buffer.from('whole'))
    await writeFile(harness.path('state', digest), 'who')
    await expect(store.get('state', digest, { maxBytes })).rejects.toThrow(
      `get state/${digest}: expected the 5 bytes of its digest, got 3 bytes`,
    )
  })

  it('answers undefined where only the file is gone, and does not keep it', async () => {
    const digest = await store.put('pictures', Buffer.from('lost'))
    await rm(harness.path('pictures', digest))
    expect(await store.get('pictures', digest, { maxBytes })).toBeUndefined()
    expect(await store.keep(digest)).toBe(false)
  })

  it('leaves no unfinished file behind when the folder does not take it', async () => {
    const digest = await store.put('models', Buffer.from('a'))
    const folder = dirname(harness.path('models', digest))
    await rm(folder, { recursive: true })
    await writeFile(folder, 'a file where a folder should be')
    await expect(store.put('models', Buffer.from('a'))).rejects.toMatchObject({
      code: 'STORE',
      reason: 'io',
    })
    expect(await readdir(join(harness.folder, 'blobs', 'temporary'))).toEqual([])
  })

  it('keeps folders and files to their owner', async () => {
    const digest = await store.put('pictures', Buffer.from('private'))
    const file = harness.path('pictures', digest)
    expect((await stat(file)).mode & 0o077).toBe(0)
    expect((await stat(dirname(file))).mode & 0o077).toBe(0)
  })
})

describe('sweepBlobs', () => {
  let harness: FileHarness
  let store: BlobStore
  beforeEach(async () => {
    harness = await fileHarness()
    store = await harness.open()
  })
  afterEach(() => harness.dispose())

  /** Removes what may go, and checks that the plan said so. */
  const sweep = async () => {
    const options = { expireMs: { pictures: 2 * hour }, now: harness.now }
    const { db } = harness.under(store)
    const plan = await sweepBlobs(harness.folder, db, store, { ...options, plan: true })
    const deed = await sweepBlobs(harness.folder, db, store, options)
    expect(plan).toEqual(deed)
    return deed
  }
  const nothing = { count: 0, bytes: 0 }

  it('removes what is expired, and counts it', async () => {
    await store.put('pictures', Buffer.from('old'))
    const state = await store.put('state', Buffer.from('old'))
    harness.advance(3 * hour)
    const young = await store.put('pictures', Buffer.from('young'))
    expect(await sweep()).toEqual({
      expired: { pictures: { count: 1, bytes: 3 } },
      orphans: nothing,
    })
    expect(await store.stat('pictures', young)).toBeDefined()
    expect(await store.stat('state', state)).toBeDefined()
  })

  it('leaves kept blobs, however old', async () => {
    const digest = await store.put('pictures', Buffer.from('kept'))
    await store.keep(digest)
    harness.advance(1_000 * hour)
    expect(await sweep()).toEqual({ expired: { pictures: nothing }, orphans: nothing })
  })

  it('stops before the next removal when it may no longer go on', async () => {
    await store.put('pictures', Buffer.from('old'))
    harness.advance(3 * hour)
    const { db } = harness.under(store)
    const assertMay = () => {
      throw new LeaseLostError('gone')
    }
    const options = { expireMs: { pictures: hour }, now: harness.now, assertMay }
    const sweeping = sweepBlobs(harness.folder, db, store, options)
    await expect(sweeping).rejects.toThrow(LeaseLostError)
    expect(await sweep()).toMatchObject({ expired: { pictures: { count: 1 } } })
  })

  it('removes files without a row after a day, not before', async () => {
    const digest = await store.put('pictures', Buffer.from('a'))
    harness.under(store).db.exec('DELETE FROM blob')
    const unfinished = join(harness.folder, 'blobs', 'temporary', 'unfinished')
    await writeFile(unfinished, 'half')
    expect(await sweep()).toEqual({ expired: { pictures: nothing }, orphans: nothing })
    harness.advance(25 * hour)
    expect(await sweep()).toMatchObject({ orphans: { count: 2, bytes: 5 } })
    await expect(stat(unfinished)).rejects.toThrow('ENOENT')
    await expect(stat(harness.path('pictures', digest))).rejects.toThrow('ENOENT')
  })

  it('leaves old files with a row, and files that are none of ours', async () => {
    const digest = await store.put('state', Buffer.from('a'))
    const path = harness.path('state', digest)
    await utimes(path, 0, 0)
    const foreign = join(dirname(path), 'README')
    await writeFile(foreign, 'not ours')
    await utimes(foreign, 0, 0)
    expect(await sweep()).toEqual({ expired: { pictures: nothing }, orphans: nothing })
    expect(await store.get('state', digest, { maxBytes })).toHaveLength(1)
    expect((await stat(foreign)).size).toBe(8)
  })

  it('finds nothing to do in an empty folder', async () => {
    await mkdir(join(harness.folder, 'blobs'), { recursive: true })
    expect(await sweep()).toEqual({ expired: { pictures: nothing }, orphans: nothing })
  })
})
