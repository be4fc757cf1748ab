/** What must hold of an object for a write to happen: that it is absent, or has this tag. */
export type Condition = 'absent' | { readonly etag: string }

/** How a conditional write ended. */
export type Written =
  | { readonly is: 'stored'; readonly etag: string }
  /** The condition does not hold, nothing is stored. */
  | { readonly is: 'refused' }
  /** Another write is in flight, nothing is stored. */
  | { readonly is: 'conflict' }
  /** It may be stored, now or in a moment. */
  | { readonly is: 'unknown'; readonly cause: unknown }

/** What a bucket knows of an object. */
export interface ObjectHead {
  readonly etag: string
  readonly bytes: number
  /** When it was last written, ms since 1970 on the server's clock. */
  readonly at: number
  /** sha256 in hex, where the server keeps the one that came with the bytes. */
  readonly sha256: string | undefined
}

/** An object as it was read. */
export interface ObjectRead {
  readonly etag: string
  readonly at: number
  readonly bytes: Uint8Array
}

/** An object as it is listed. */
export interface ObjectListed {
  readonly key: string
  readonly bytes: number
  readonly at: number
}
