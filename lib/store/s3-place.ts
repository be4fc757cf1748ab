import { expectDigest } from './blob-digest.ts'
import { expectKey } from './document-json.ts'
import type { Digest, Space } from './types.ts'

/** Where in the world of buckets a pipeline's data lie. */
export interface S3Place {
  readonly bucket: string
  /** Path before the pipeline's name, without slashes at its ends; '' for none. */
  readonly prefix: string
  /** The pipeline. */
  readonly name: string
}

/** Keys of a pipeline's objects. */
export interface S3Keys {
  /** What every key begins with. */
  readonly root: string
  /** `docs/<key>.json` */
  document(key: string): string
  /** What the keys of documents begin with, up to the document's own key. */
  readonly documents: string
  /** `blobs/<space>/<aa>/<digest>`, which expires by its age. */
  blob(space: Space, digest: Digest): string
  blobs(space: Space): string
  /** `kept/<aa>/<digest>`: the copy of a picture that never expires. */
  kept(digest: Digest): string
  readonly keptCopies: string
}

/** The layout `<prefix>/<name>/{docs,blobs,kept}/…` of a bucket. */
export function s3Keys({ prefix, name }: S3Place): S3Keys {
  const root = prefix === '' ? `${name}/` : `${prefix}/${name}/`
  const documents = `${root}docs/`
  const blobs = (space: Space) => `${root}blobs/${space}/`
  const keptCopies = `${root}kept/`
  const shelf = (digest: Digest) => `${expectDigest(digest).slice(0, 2)}/${digest}`
  return {
    root,
    documents,
    document: (key) => `${documents}${expectKey(key)}.json`,
    blobs,
    blob: (space, digest) => `${blobs(space)}${shelf(digest)}`,
    keptCopies,
    kept: (digest) => `${keptCopies}${shelf(digest)}`,
  }
}
