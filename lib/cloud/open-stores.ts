import type { CloudSettings } from '../config/cloud-settings.ts'
import { s3Stores } from '../store/s3.ts'
import { s3Bucket } from '../store/s3-bucket.ts'
import { s3Client } from '../store/s3-client.ts'
import type { BlobStore, DocumentStore } from '../store/types.ts'

/** The stores of a pipeline, as a function opens them once for all its calls. */
export interface CloudStores {
  readonly blobs: BlobStore
  readonly documents: DocumentStore
  /** Bytes of an object in the bucket for uploads; absent if it is gone. */
  readonly readUpload: (key: string, maxBytes: number) => Promise<Uint8Array | undefined>
}

/** Opens the bucket of a pipeline, and the one for uploads. */
export function openStores({ config, uploadsBucket }: CloudSettings): CloudStores {
  const { s3 } = config.store
  const place = { bucket: s3.bucket, prefix: s3.prefix, name: config.name }
  const uploads = s3Bucket(s3Client(s3), uploadsBucket)
  return {
    ...s3Stores(s3, place),
    readUpload: async (key, maxBytes) => {
      const found = await uploads.get(key, { maxBytes })
      return typeof found === 'object' ? found.bytes : undefined
    },
  }
}
