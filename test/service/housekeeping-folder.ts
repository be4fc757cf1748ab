import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { onTestFinished } from 'vitest'
import { checkConfig } from '../../lib/config/load.ts'
import type { ConfigInput } from '../../lib/config/schema.ts'
import { type Checkpoints, openCheckpoint } from '../../lib/learn/checkpoint.ts'
import { emptyState, type LearnerState, type Picture } from '../../lib/learn/state.ts'
import { partNames, partOf } from '../../lib/learn/state-parts.ts'
import { openRegistry } from '../../lib/registry/registry.ts'
import { openDatabase } from '../../lib/service/database.ts'
import type { House } from '../../lib/service/housekeeping.ts'
import { fileBlobs } from '../../lib/store/file.ts'
import { sqliteDocuments } from '../../lib/store/sqlite.ts'
import type { Digest } from '../../lib/store/types.ts'
import { sqliteStream } from '../../lib/stream/sqlite.ts'
import { pipelineTopics, topicNames } from '../../lib/stream/topics.ts'

/** A data folder whose clock tests move. */
export interface TestHouse extends House {
  readonly wall: { ms: number }
  readonly now: () => number
  /** The same folder, opened once more as another process would. */
  again(): House
}

/** Nobody pulls the plug here: where files may live in memory, tests need not wait for a disk. */
const memory = '/dev/shm'

/** Opens a data folder that is gone when the test ends. */
export async function testHouse(settings: ConfigInput = {}): Promise<TestHouse> {
  const folder = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'contrastream-house-'))
  const wall = { ms: 1_700_000_000_000 }
  const now = () => wall.ms
  const config = checkConfig({ ...settings, data: folder })
  const databases: DatabaseSync[] = []
  const open = (): House => {
    const database = openDatabase(folder, { check: false })
    databases.push(database)
    const stores = {
      documents: sqliteDocuments(database),
      blobs: fileBlobs(folder, database, { now }),
    }
    const registry = openRegistry({ ...stores, name: 'main' })
    return { config, database, registry, stream: sqliteStream(database, { now }) }
  }
  onTestFinished(() => {
    for (const database of databases) database.close()
    rmSync(folder, { recursive: true })
  })
  const house = open()
  await house.stream.ensureTopics(pipelineTopics())
  return { ...house, wall, now, again: open }
}

/** Sends pictures that nobody has applied yet, the bytes first. */
export async function ingest(house: House, texts: readonly string[]): Promise<Digest[]> {
  const ids: Digest[] = []
  for (const text of texts) {
    const id = await house.registry.blobs.put('pictures', new TextEncoder().encode(text))
    const record = { value: new TextEncoder().encode(`{"sha256":"${id}"}`) }
    const [result] = await house.stream.send(topicNames.unlabeled, [record], { deadlineMs: 1_000 })
    if (result?.outcome !== 'acked') throw new Error('the log took no record')
    ids.push(id)
  }
  return ids
}

/** The learner's checkpoints in a house. */
export async function checkpointsOf(house: House, lineage = 'main'): Promise<Checkpoints> {
  const { documents, blobs } = house.registry
  const log = await house.stream.identity()
  return openCheckpoint({ documents, blobs, lineage, fence: 1, log })
}

const picture = (id: Digest): Picture => ({ id, source: 's', at: 1, group: id })

/** A learner's state with these pictures in its buffer, and those held out. */
export function stateWith(
  buffer: readonly Digest[],
  heldOut: readonly Digest[] = [],
): LearnerState {
  const entries = buffer.map((id, arrival) => ({
    ...picture(id),
    ...{ arrival, half: 'recent' as const, untrusted: 0, identity: undefined },
  }))
  return {
    ...emptyState,
    buffer: { ...emptyState.buffer, entries: new Map(entries.map((entry) => [entry.id, entry])) },
    heldOut: { ...emptyState.heldOut, b: heldOut.map(picture) },
  }
}

/** A state as the next checkpoint that has applied so many records. */
export function contentOf(state: LearnerState, applied: number, from: number) {
  const parts = partNames.flatMap((name) => {
    const part = partOf(state, name)
    return part === undefined ? [] : [[name, part] as const]
  })
  return {
    at: 1_700_000_000_000,
    offsets: { [`${topicNames.unlabeled}/0`]: applied },
    counts: {},
    random: {},
    settings: 'settings',
    model: { next: 1 },
    parts: Object.fromEntries(parts),
    from: { [`${topicNames.unlabeled}/0`]: from },
  }
}
