/** Small copies that were made, by image id. */
export interface ThumbnailCache {
  /** From memory, or made now; `undefined` if the picture is not stored. */
  get(id: string): Promise<Uint8Array | undefined>
  /** Drops those of pictures that must not be shown any more. */
  drop(ids: Iterable<string>): void
}

/** About 10,000 thumbnails. */
const defaultMaxBytes = 32 * 2 ** 20

/**
 * Remembers thumbnails up to a number of bytes; those asked for least lately go first. Who asks
 * for one that is just being made waits for that one.
 *
 * @param make - Makes one; `undefined` if the picture is not stored.
 */
export function thumbnailCache(
  make: (id: string) => Promise<Uint8Array | undefined>,
  maxBytes: number = defaultMaxBytes,
): ThumbnailCache {
  const made = new Map<string, Uint8Array>()
  const making = new Map<string, Promise<Uint8Array | undefined>>()
  let bytes = 0

  const forget = (id: string): void => {
    bytes -= made.get(id)?.length ?? 0
    made.delete(id)
  }
  const remember = (id: string, thumbnail: Uint8Array): void => {
    forget(id)
    made.set(id, thumbnail)
    bytes += thumbnail.length
    for (const oldest of made.keys()) {
      if (bytes <= maxBytes) return
      forget(oldest)
    }
  }
  return {
    get: (id) => {
      const known = made.get(id)
      if (known !== undefined) {
        remember(id, known)
        return Promise.resolve(known)
      }
      const under = making.get(id)
      if (under !== undefined) return under
      const mine = make(id)
        .then((thumbnail) => {
          // Dropped while it was made: whoever waits may have it, nobody after.
          if (thumbnail !== undefined && making.get(id) === mine) remember(id, thumbnail)
          return thumbnail
        })
        .finally(() => {
          if (making.get(id) === mine) making.delete(id)
        })
      making.set(id, mine)
      return mine
    },
    drop: (ids) => {
      for (const id of ids) {
        forget(id)
        making.delete(id)
      }
    },
  }
}
