import type { DatabaseSync } from 'node:sqlite'
import type { Config } from '../config/schema.ts'
import { fileBlobs } from '../store/file.ts'
import { s3Blobs } from '../store/s3-blobs.ts'
import { s3Client } from '../store/s3-client.ts'
import { s3Documents } from '../store/s3-documents.ts'
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
export function openStores(config: Config, database: DatabaseSync): OpenStores {
  if (config.store.adapter === 'file') {
    const blobs = fileBlobs(config.data, database)
    return { documents: sqliteDocuments(database), blobs, close: () => undefined }
  }
  const place = s3Place(config)
  // A client each: a lease never waits for its turn behind pictures.
  const [small, large] = [s3Client(config.store.s3), s3Client(config.store.s3)]
  return {
    documents: s3Documents(small, place),
    blobs: s3Blobs(large, place),
    close: () => {
      small.destroy()
      large.destroy()
    },
  }
}

/** Where a pipeline's data lie in the bucket that the configuration names. */
export function s3Place({ name, store }: Config): S3Place {
  return { bucket: store.s3.bucket, prefix: store.s3.prefix, name }
}
