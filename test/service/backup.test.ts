import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { mkdir, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { checkConfig } from '../../lib/config/load.ts'
import { monotonicClock } from '../../lib/registry/clock.ts'
import { holdLease } from '../../lib/registry/lease.ts'
import { backup } from '../../lib/service/backup.ts'
import { backupNames, readManifest } from '../../lib/service/backup-format.ts'
import { openPipeline, type Pipeline } from '../../lib/service/open-pipeline.ts'
import { restore } from '../../lib/service/restore.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import { move, smallModel, storeModel } from '../support/models.ts'
import { checkpointsOf, contentOf, ingest, stateWith } from './housekeeping-folder.ts'

/** Folder of what is being restored. */
const restoring = 'restoring'
const never = new AbortController().signal

interface World {
  readonly folder: string
  /** The backup. */
  readonly target: string
  readonly pipeline: Pipeline
  readonly notes: string[]
  make(signal?: AbortSignal, now?: () => number): ReturnType<typeof backup>
  /** Restores into a folder of its own, and opens that. */
  restored(name?: string): Promise<Pipeline>
}

/** A pipeline with a picture in the log, one in a checkpoint, and a stable version. */
async function world(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'contrastream-backup-'))
  const open: Pipeline[] = []
  onTestFinished(async () => {
    for (const one of open) await one.close()
    rmSync(folder, { recursive: true })
  })
  const opened = async (data: string) => {
    const pipeline = await openPipeline(checkConfig({ data: join(folder, data) }))
    open.push(pipeline)
    return pipeline
  }
  const pipeline = await opened('data')
  const { registry } = pipeline
  const [picture] = (await ingest(pipeline, ['a', 'b'])) as [string]
  await registry.blobs.keep(picture)
  const checkpoints = await checkpointsOf(pipeline)
  await checkpoints.replace(undefined, contentOf(stateWith([picture]), 1, 0))
  const entry = await storeModel(registry, smallModel(1))
  await registry.stable.move(entry, { move, ifSeq: 0 })
  const target = join(folder, 'backup')
  const notes: string[] = []
  return {
    ...{ folder, target, pipeline, notes },
    make: (signal = never, now = () => 1_700_000_000_000) =>
      backup(pipeline, target, {
        now,
        clock: monotonicClock,
        signal,
        note: (text) => notes.push(text),
      }),
    restored: async (name = 'restored') => {
      await restore(checkConfig({ data: join(folder, name) }), target, never)
      return opened(name)
    },
  }
}

/** Everything that roles can see of a pipeline; leases apart. */
async function contentOfAll({ documents, blobs, stream, registry }: Pipeline) {
  const keys = (await documents.list('')).filter((key) => !key.startsWith('lease/'))
  const found = await Promise.all(
    keys.map(async (key) => [key, await documents.read(key)] as const),
  )
  const pictures: unknown[] = []
  for await (const { digest, bytes, kept } of blobs.list('pictures')) {
    pictures.push({ digest, bytes, kept })
  }
  const stable = await registry.stable.read()
  return {
    documents: found,
    pictures,
    stable: stable && (await registry.loadVersion(stable.version)),
    log: [await stream.identity(), await stream.watermarks(topicNames.unlabeled)],
  }
}

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

describe('backup and restore', () => {
  it('bring documents, blobs and log back as they were, and give old leases back', async () => {
    const { pipeline, make, restored } = await world()
    const lease = await holdLease(pipeline.documents, 'learn', {
      ...{ owner: 'elsewhere:12:3', ttlMs: 600_000, clock: monotonicClock },
      onLost: () => undefined,
    })
    const { manifest, damaged } = await make()
    const again = await restored()
    expect(await contentOfAll(again)).toEqual(await contentOfAll(pipeline))
    expect([manifest.blobs.count, damaged]).toEqual([8, []])
    const next = await holdLease(again.documents, 'learn', {
      ...{ owner: 'here:12:3', ttlMs: 600_000, clock: monotonicClock, whenHeld: 'refuse' as const },
      onLost: () => undefined,
    })
    expect(next.fence).toBe(lease.fence + 1)
    await Promise.all([lease.release(), next.release()])
  })

  it('copy only what is new, and drop what nothing names any more', async () => {
    const { pipeline, make, target } = await world()
    const first = await make()
    expect(first.copied.count).toBe(first.manifest.blobs.count)
    expect((await make()).copied.count).toBe(0)
    const [gone] = await ingest(pipeline, ['a picture that goes'])
    expect((await make()).copied).toEqual({ count: 1, bytes: 19 })
    await pipeline.blobs.delete('pictures', gone as string, { olderThanMs: 0 })
    expect((await make()).removed).toEqual({ count: 1, bytes: 19 })
    expect(readdirSync(join(target, backupNames.snapshots))).toEqual(['4'])
  })

  it('holds one moment, whatever is written while it is made', async () => {
    const { pipeline, make, restored } = await world()
    let isOver = false
    const writing = (async () => {
      for (let n = 0; !isOver; n += 1) await ingest(pipeline, [`picture ${n}`])
    })()
    await make()
    isOver = true
    await writing
    const { database, blobs } = await restored()
    const records = database.prepare('SELECT value FROM record').all()
    for (const { value } of records) {
      const { sha256 } = JSON.parse(new TextDecoder().decode(value as Uint8Array))
      expect(await blobs.get('pictures', sha256, { maxBytes: 100 })).toBeDefined()
    }
  })

  it('let nobody collect meanwhile: they wait for one that does', async () => {
    const { pipeline, make, notes } = await world()
    const lease = await holdLease(pipeline.documents, 'gc', {
      ...{ owner: 'elsewhere:12:3', ttlMs: 300, clock: monotonicClock },
      onLost: () => undefined,
    })
    const making = make()
    await expect.poll(() => notes).toEqual(['waits until nothing is being collected'])
    await lease.release()
    expect((await making).manifest.seq).toBe(1)
  })

  it('gives two that are asked for at once a number each, one after the other', async () => {
    const { make, restored } = await world()
    const both = await Promise.all([make(), make()])
    expect(both.map(({ manifest }) => manifest.seq).sort()).toEqual([1, 2])
    expect(await (await restored()).registry.stable.read()).toBeDefined()
  })

  it('goes on where a restore was killed, and fills a folder that cannot be replaced', async () => {
    const { folder, make, restored, pipeline } = await world()
    await make()
    const data = join(folder, 'restored')
    await mkdir(join(data, restoring, 'blobs'), { recursive: true })
    writeFileSync(join(data, restoring, 'blobs', 'half'), 'half')
    await mkdir(join(data, 'blobs'))
    const { ino } = statSync(data)
    expect(await contentOfAll(await restored())).toEqual(await contentOfAll(pipeline))
    expect(statSync(data).ino).toBe(ino) // a mounted volume, say
    expect(readdirSync(data)).not.toContain(restoring)
    expect(existsSync(join(data, 'blobs', 'half'))).toBe(false)
  })

  it('say which blobs are damaged, and back up all others', async () => {
    const { folder, pipeline, make, restored } = await world()
    const digest = await pipeline.blobs.put('pictures', Uint8Array.of(1, 2, 3))
    const path = join(folder, 'data/blobs/pictures', digest.slice(0, 2), digest)
    writeFileSync(path, Uint8Array.of(1, 2, 4))
    expect((await make()).damaged).toEqual([`pictures/${digest}`])
    expect(await (await restored()).registry.stable.read()).toBeDefined()
  })

  it('names the file of a flipped byte, and leaves nothing behind', async () => {
    const { folder, target, make } = await world()
    await make()
    const data = join(folder, 'restored')
    for (const path of filesOf(target)) {
      const bytes = readFileSync(path)
      const at = Math.floor(bytes.length / 2)
      writeFileSync(path, bytes.with(at, (bytes[at] as number) ^ 1))
      const attempt = restore(checkConfig({ data }), target, never)
      await expect(attempt, path).rejects.toThrow(path)
      expect(existsSync(data)).toBe(false)
      writeFileSync(path, bytes)
    }
    await restore(checkConfig({ data }), target, never)
    expect(readdirSync(folder).sort()).toEqual(['backup', 'data', 'restored'])
  })

  it('names a file that is missing', async () => {
    const { folder, target, make } = await world()
    await make()
    const [path] = filesOf(join(target, 'blobs'))
    await unlink(path as string)
    const attempt = restore(checkConfig({ data: join(folder, 'restored') }), target, never)
    await expect(attempt).rejects.toThrow(path)
  })

  it('keep the backup before when the next one is cut off', async () => {
    const { pipeline, target, make, restored } = await world()
    await make()
    const before = await contentOfAll(pipeline)
    await ingest(pipeline, ['c', 'd', 'e'])
    const cut = new AbortController()
    const making = make(cut.signal, () => {
      cut.abort() // its snapshot is begun, no blob is copied
      return 1
    })
    await expect(making).rejects.toThrow()
    expect(existsSync(join(target, backupNames.snapshots, '2'))).toBe(true)
    expect((await readManifest(target)).seq).toBe(1)
    expect(await contentOfAll(await restored())).toEqual(before)
    expect((await make()).manifest.seq).toBe(2)
  })

  it('takes a first backup that was cut off for none, and goes on with it', async () => {
    const { folder, target, make } = await world()
    await make()
    await unlink(join(target, backupNames.manifest))
    const attempt = restore(checkConfig({ data: join(folder, 'restored') }), target, never)
    await expect(attempt).rejects.toThrow(`${target}: expected a whole backup`)
    expect((await make()).copied.count).toBe(0)
  })

  it('refuses a folder that is not empty, on either side', async () => {
    const { folder, target, make, pipeline } = await world()
    await make()
    const over = restore(checkConfig({ data: join(folder, 'data') }), target, never)
    await expect(over).rejects.toThrow(/expected .*data to be absent or empty/)
    await mkdir(join(folder, 'other'))
    writeFileSync(join(folder, 'other', 'mine.txt'), 'mine')
    const options = { now: Date.now, clock: monotonicClock, signal: never, note: () => undefined }
    for (const place of ['other', 'data', 'data/blobs']) {
      await expect(backup(pipeline, join(folder, place), options)).rejects.toThrow(
        'backup: expected',
      )
    }
  })

  it('refuses the backup of another pipeline', async () => {
    const { folder, target, make } = await world()
    await make()
    const data = join(folder, 'restored')
    const other = restore(checkConfig({ data, name: 'other' }), target, never)
    await expect(other).rejects.toThrow('expected a backup of other, got that of main')
    const stranger = await openPipeline(checkConfig({ data: join(folder, 'stranger') }))
    const options = { now: Date.now, clock: monotonicClock, signal: never, note: () => undefined }
    await expect(backup(stranger, target, options)).rejects.toThrow('on another log')
    await stranger.close()
  })
})
