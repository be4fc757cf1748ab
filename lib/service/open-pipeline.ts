import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { Config } from '../config/schema.ts'
import { StoreError } from '../errors.ts'
import { claimPipeline } from '../registry/pipeline.ts'
import { openRegistry, type Registry } from '../registry/registry.ts'
import type { BlobStore, DocumentStore } from '../store/types.ts'
import type { StreamPort } from '../stream/types.ts'
import { openDatabase } from './database.ts'
import { openStores } from './open-stores.ts'
import { ensurePipelineTopics, openStream } from './open-stream.ts'
import { programVersion } from './program-version.ts'

/** The data folder, open: the three ports and the rules over them. */
export interface Pipeline {
  readonly config: Config
  readonly database: DatabaseSync
  readonly documents: DocumentStore
  readonly blobs: BlobStore
  readonly stream: StreamPort
  readonly registry: Registry
  /** Folder of what can be made again. */
  readonly cacheFolder: string
  close(): Promise<void>
}

/**
 * Opens the data folder of the configuration, made if it is not there.
 *
 * @throws {@link StoreError} if it is damaged, of a newer format or not writable.
 * @throws {@link ConfigError} if it belongs to a pipeline of another name.
 */
export async function openPipeline(config: Config): Promise<Pipeline> {
  const folder = config.data
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new StoreError(`data: expected a folder at ${folder}, got: ${String(cause)}`, { cause })
  }
  const database = openDatabase(folder)
  const stores = await openStores(config, database)
  const { documents, blobs } = stores
  const stream = openStream(config, database)
  const registry = openRegistry({ documents, blobs, name: config.name })
  try {
    await claimPipeline(documents, { name: config.name, program: programVersion })
    await ensurePipelineTopics(stream, config)
  } catch (error) {
    stores.close()
    database.close()
    throw error
  }
  return {
    config,
    database,
    documents,
    blobs,
    stream,
    registry,
    cacheFolder: join(folder, 'cache'),
    close: async () => {
      await stream.close({ deadlineMs: 5_000 })
      stores.close()
      database.close()
    },
  }
}
