import type { CloudSettings } from '../config/cloud-settings.ts'
import type { ImageLimits } from '../image/options.ts'
import { s3Blobs } from '../store/s3-blobs.ts'
import { s3Bucket } from '../store/s3-bucket.ts'
import { s3Client } from '../store/s3-client.ts'
import { s3Documents } from '../store/s3-documents.ts'
import type { BlobStore, DocumentStore } from '../store/types.ts'

/** The stores of a pipeline, as a function opens them once for all its calls. */
export interface CloudStores {
  readonly blobs: BlobStore
  readonly documents: DocumentStore
  /** Bytes of an object in the bucket for uploads; absent if it is gone. */
  readonly readUpload: (key: string, maxBytes: number) => Promise<Uint8Array | undefined>
}

/** Opens the bucket of a pipeline, and the one for uploads. */
export function openStores({ config, s3, uploadsBucket }: CloudSettings): CloudStores {
  const client = s3Client(s3)
  const place = { bucket: s3.bucket, prefix: s3.prefix, name: config.name }
  const uploads = s3Bucket(client, uploadsBucket)
  return {
    blobs: s3Blobs(client, place),
    documents: s3Documents(client, place),
    readUpload: async (key, maxBytes) => {
      const found = await uploads.get(key, { maxBytes })
      return typeof found === 'object' ? found.bytes : undefined
    },
  }
}

/** What pictures must keep to. */
export function limitsOf({ config }: CloudSettings): ImageLimits {
  const { bytes, pixels, minSide, decodeTimeout } = config.limits
  return { bytes, pixels, minSide, formats: config.image.formats, timeoutMs: decodeTimeout }
}
