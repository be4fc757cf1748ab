import type { DatabaseSync } from 'node:sqlite'
import type { Config } from '../config/schema.ts'
import { fileBlobs } from '../store/file.ts'
import type { S3Place } from '../store/s3-place.ts'
import { sqliteDocuments } from '../store/sqlite.ts'
import type { BlobStore, DocumentStore } from '../store/types.ts'

/** The two stores of a pipeline, open. */
export interface OpenStores {
  readonly documents: DocumentStore
  readonly blobs: BlobStore
  close(): void
}

/**
 * Opens the stores that the configuration names.
 *
 * @param database - Of the data folder; the caller closes it.
 */
export async function openStores(config: Config, database: DatabaseSync): Promise<OpenStores> {
  if (config.store.adapter === 'file') {
    const blobs = fileBlobs(config.data, database)
    return { documents: sqliteDocuments(database), blobs, close: () => undefined }
  }
  // Only now: the client takes longer to load than most commands to run.
  const { s3Stores } = await import('../store/s3.ts')
  return s3Stores(config.store.s3, s3Place(config))
}

/** Where a pipeline's data lie in the bucket that the configuration names. */
export function s3Place({ name, store }: Config): S3Place {
  return { bucket: store.s3.bucket, prefix: store.s3.prefix, name }
}
