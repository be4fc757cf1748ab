/**
 * Keeps a vector database of your own in step: one collection a version of the model, and searches
 * switched to the next one when the service switches.
 *
 *     KAFKA_BROKERS=localhost:9092 node examples/vector-database.ts vectors.db
 *
 * The database here is a SQLite file; yours needs the same few calls. Pictures that are forgotten
 * (`image forget`) have to be deleted there by whoever forgets them.
 */
import { DatabaseSync } from 'node:sqlite'
// In a program of yours: from 'contrastream'.
import { kafkaStream, type StreamPort } from '../lib/index.ts'

/** What the example needs of a vector database. */
export interface VectorDatabase {
  /** Adds vectors to a collection, which may be new; an id that is there is replaced. */
  upsert(collection: string, rows: readonly { id: string; vector: Float32Array }[]): Promise<void>
  /** Has a name stand for another collection from now on. */
  alias(name: string, collection: string): Promise<void>
  aliased(name: string): Promise<string | undefined>
  collections(): Promise<readonly string[]>
  drop(collection: string): Promise<void>
  /** How far a partition has been read: kept beside the vectors, it says what they hold. */
  readTo(partition: string, next: number): Promise<void>
  position(partition: string): Promise<number | undefined>
}

/** A vector database in a SQLite file, searched by comparing with all vectors. */
export function sqliteVectors(path: string): VectorDatabase & {
  search(
    name: string,
    query: Float32Array,
    k: number,
  ): readonly { id: string; similarity: number }[]
  close(): void
} {
  const db = new DatabaseSync(path)
  db.exec(`
    CREATE TABLE IF NOT EXISTS vectors (collection TEXT, id TEXT, vector BLOB, PRIMARY KEY (collection, id));
    CREATE TABLE IF NOT EXISTS aliases (name TEXT PRIMARY KEY, collection TEXT);
    CREATE TABLE IF NOT EXISTS positions (partition TEXT PRIMARY KEY, next INTEGER);
  `)
  const add = db.prepare('INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)')
  const rowsOf = db.prepare('SELECT id, vector FROM vectors WHERE collection = ?')
  const aliased = (name: string): string | undefined => {
    const row = db.prepare('SELECT collection FROM aliases WHERE name = ?').get(name)
    return row && String(row['collection'])
  }
  return {
    upsert: async (collection, rows) => {
      db.exec('BEGIN')
      for (const { id, vector } of rows) add.run(collection, id, Buffer.from(vector.buffer))
      db.exec('COMMIT')
    },
    alias: async (name, collection) => {
      db.prepare('INSERT OR REPLACE INTO aliases VALUES (?, ?)').run(name, collection)
    },
    collections: async () => {
      const all = db.prepare('SELECT DISTINCT collection FROM vectors ORDER BY collection').all()
      return all.map((row) => String(row['collection']))
    },
    drop: async (collection) => {
      db.prepare('DELETE FROM vectors WHERE collection = ?').run(collection)
    },
    aliased: async (name) => aliased(name),
    readTo: async (partition, next) => {
      db.prepare('INSERT OR REPLACE INTO positions VALUES (?, ?)').run(partition, next)
    },
    position: async (partition) => {
      const row = db.prepare('SELECT next FROM positions WHERE partition = ?').get(partition)
      return row && Number(row['next'])
    },
    search: (name, query, k) =>
      rowsOf
        .all(aliased(name) ?? '')
        .map((row) => ({
          id: String(row['id']),
          similarity: dot(query, row['vector'] as Uint8Array),
        }))
        .sort((a, b) => b.similarity - a.similarity)
        .slice(0, k),
    close: () => db.close(),
  }
}

function dot(query: Float32Array, bytes: Uint8Array): number {
  const vector = floats(bytes)
  return query.reduce((sum, value, i) => sum + value * (vector[i] as number), 0)
}

/** Vectors travel as float32, little-endian. */
const floats = (bytes: Uint8Array): Float32Array => new Float32Array(Uint8Array.from(bytes).buffer)

/** What a hint of `models.published` says, as far as it matters here. */
interface Hint {
  readonly name: string
  readonly channel: 'candidate' | 'stable'
  readonly version: string
}

const numberOf = (version: string): number => Number(/^v(\d+)-/.exec(version)?.[1])

/**
 * Follows the two topics until it is stopped.
 *
 * A vector is only compared with vectors of the same model: each version gets a collection of its
 * own, filled while the one before still answers. At least once is enough, as ids replace
 * themselves.
 *
 * @param pipeline - `name` of the service's settings.
 * @param group - Of this consumer alone; it goes on where it stopped.
 */
export async function mirrorVectors(
  stream: StreamPort,
  database: VectorDatabase,
  { pipeline = 'main', group = 'my-vectors' } = {},
): Promise<{ stop(): Promise<void> }> {
  const topic = 'images.embedded'
  const text = new TextDecoder()
  let wake = Promise.withResolvers<void>()
  const fail = (error: Error): void => {
    throw error // nothing can be done here: end, and be started again
  }
  const common = { maxBatchBytes: 1 << 20, onRevoke: async () => undefined, onFatal: fail }

  const vectors = await stream.subscribe({
    ...common,
    topics: [topic],
    group,
    onAssign: async (partitions) => {
      const starts = partitions.map(async (one) => {
        return [one, (await database.position(one)) ?? 'earliest'] as const
      })
      return new Map(await Promise.all(starts))
    },
    onBatch: async ({ partition, records }) => {
      const byModel = Map.groupBy(records, ({ headers }) => headers['model'] ?? '')
      for (const [model, some] of byModel) {
        const rows = some.map(({ key, value }) => ({ id: text.decode(key), vector: floats(value) }))
        await database.upsert(model, rows)
      }
      const next = (records.at(-1)?.offset ?? -1) + 1
      await database.readTo(partition, next)
      vectors.reportProgress(partition, next)
      wake.resolve()
      wake = Promise.withResolvers()
    },
  })

  /** Resolves once every vector is stored that was sent before this call. */
  const caughtUp = async (signal: AbortSignal): Promise<void> => {
    const goals = (await stream.watermarks(topic)).filter(({ low, high }) => high > low)
    const isThere = async () => {
      const positions = await Promise.all(
        goals.map(({ partition }) => database.position(partition)),
      )
      return goals.every(({ high }, i) => (positions[i] ?? 0) >= high)
    }
    const stopped = new Promise<void>((resolve) =>
      signal.addEventListener('abort', () => resolve()),
    )
    for (;;) {
      const more = wake.promise // taken before the look, or one could be missed
      if (signal.aborted || (await isThere())) return
      await Promise.race([more, stopped])
    }
  }

  /** Searches go to another version; only the one before stays, for a way back. */
  const switchTo = async (version: string, before: string | undefined): Promise<void> => {
    await database.alias('stable', version)
    for (const one of await database.collections()) {
      // A newer one is being filled.
      const isOld = numberOf(one) < numberOf(version)
      if (one !== version && one !== before && isOld) await database.drop(one)
    }
  }

  const published = await stream.subscribe({
    ...common,
    topics: ['models.published'],
    group: `${group}-hints`,
    // The topic is compacted: the last word on each channel is always there.
    onAssign: async (partitions) => new Map(partitions.map((one) => [one, 'earliest'] as const)),
    onBatch: async ({ partition, records }, signal) => {
      const hints = records.map(({ value }) => JSON.parse(text.decode(value)) as Hint)
      const last = hints.findLast(({ name, channel }) => name === pipeline && channel === 'stable')
      const serving = await database.aliased('stable')
      if (last !== undefined && last.version !== serving) {
        await caughtUp(signal)
        if (signal.aborted) return // it comes again
        await switchTo(last.version, serving)
      }
      published.reportProgress(partition, (records.at(-1)?.offset ?? -1) + 1)
    },
  })
  return {
    stop: async () => {
      await published.stop()
      await vectors.stop()
    },
  }
}

if (import.meta.main) {
  const brokers = process.env['KAFKA_BROKERS']?.split(',')
  const [path] = process.argv.slice(2)
  if (brokers === undefined || path === undefined) {
    throw new Error('usage: KAFKA_BROKERS=<host:port,…> node examples/vector-database.ts <file>')
  }
  await mirrorVectors(kafkaStream({ brokers, clientId: 'my-vectors' }), sqliteVectors(path))
}
