/** Anything JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject
/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json }

/** sha256 of the bytes, 64 lower-case hex characters. */
export type Digest = string

/** What blobs are for; each space expires and is collected by its own rule. */
export type Space = 'pictures' | 'state' | 'models' | 'index' | 'quarantine'

/** What the store knows of a blob without reading it. */
export interface BlobInfo {
  readonly digest: Digest
  readonly bytes: number
  readonly ageMs: number
  readonly kept: boolean
}

/** So many things, and their bytes together. */
export interface Amount {
  readonly count: number
  readonly bytes: number
}

/**
 * Bytes by sha256, created if absent.
 *
 * The guarantees of every adapter are the titles of `test/store/contract.ts`.
 */
export interface BlobStore {
  /** Resolved means durable and whole. */
  put(space: Space, bytes: Uint8Array): Promise<Digest>
  /** @throws {@link StoreError} with reason `damaged` if the bytes are not those of the digest. */
  get(
    space: Space,
    digest: Digest,
    options: { readonly maxBytes: number },
  ): Promise<Uint8Array | undefined>
  /** Size, age and whether it is kept, without reading it; undefined if it is not there. */
  stat(space: Space, digest: Digest): Promise<BlobInfo | undefined>
  /** Exempts a picture from expiry; false if it is gone. */
  keep(digest: Digest): Promise<boolean>
  /** Lets expiry have a picture again; its age is that of the last `put` or `keep`. */
  unkeep(digest: Digest): Promise<void>
  /** Each blob that is there all the while; those that come or go meanwhile may be left out. */
  list(space: Space, options?: { readonly kept?: boolean }): AsyncIterable<BlobInfo>
  /** Leaves younger and kept blobs alone; true if it is gone now because of this call. */
  delete(space: Space, digest: Digest, options: { readonly olderThanMs: number }): Promise<boolean>
}

/** Names one state of a document; never comes back, even for equal content. */
export type Tag = string

/** A document and its tag. */
export interface Found {
  readonly value: JsonObject
  readonly tag: Tag
}

/** Outcome of a conditional write; the loser gets the current document. */
export type Write =
  | { readonly ok: true; readonly tag: Tag }
  | { readonly ok: false; readonly current: Found | undefined }

/**
 * Small JSON documents by key, linearizable per key, changed by compare-and-swap.
 *
 * Keys: `[a-z0-9._/-]{1,200}`, no empty or dot-only segment; values up to 256 KiB.
 * The guarantees of every adapter are the titles of `test/store/contract.ts`.
 */
export interface DocumentStore {
  /** The document, `'unchanged'` if its tag is `unless`, undefined if there is none. */
  read(key: string, unless?: Tag): Promise<Found | 'unchanged' | undefined>
  /** Writes it if absent. */
  create(key: string, value: JsonObject): Promise<Write>
  /** Writes it if the tag is unchanged. */
  swap(key: string, value: JsonObject, tag: Tag): Promise<Write>
  /** For collection only. */
  remove(key: string, tag: Tag): Promise<boolean>
  /** Keys under a prefix, sorted by bytes. */
  list(
    prefix: string,
    options?: { readonly after?: string; readonly limit?: number },
  ): Promise<readonly string[]>
}
