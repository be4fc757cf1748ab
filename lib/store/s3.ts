import { s3Blobs } from './s3-blobs.ts'
import { type S3Settings, s3Client } from './s3-client.ts'
import { s3Documents } from './s3-documents.ts'
import type { S3Place } from './s3-place.ts'
import type { BlobStore, DocumentStore } from './types.ts'

/** Both stores of a pipeline in one bucket. */
export interface S3Stores {
  readonly documents: DocumentStore
  readonly blobs: BlobStore
  /** Ends their connections. */
  close(): void
}

/** Opens both stores, with a client each: a lease never waits for its turn behind pictures. */
export function s3Stores(settings: S3Settings, place: S3Place): S3Stores {
  const [small, large] = [s3Client(settings), s3Client(settings)]
  return {
    documents: s3Documents(small, place),
    blobs: s3Blobs(large, place),
    close: () => {
      small.destroy()
      large.destroy()
    },
  }
}
