import { randomUUID } from 'node:crypto'
import type { S3Client } from '@aws-sdk/client-s3'
import { StoreError } from '../errors.ts'
import { documentJson } from './document-json.ts'
import type { Patience } from './s3-attempts.ts'
import { s3Bucket } from './s3-bucket.ts'
import { untilDecided } from './s3-course.ts'
import { unknownOutcome } from './s3-faults.ts'
import type { Condition } from './s3-objects.ts'
import { type S3Place, s3Keys } from './s3-place.ts'
import type { DocumentStore, Found, Json, JsonObject, Tag, Write } from './types.ts'

/** Largest object: a document and what is around it. */
const maxObjectBytes = 512 * 1024

/** A document as it is stored: the nonce says which write this is. */
interface Stored extends Found {
  readonly nonce: string
}

/**
 * Documents as objects `docs/<key>.json`: `{ nonce, value }`, the tag is the ETag.
 *
 * The nonce is another one for each write. So no tag comes back, and a write that was told it has
 * lost, because its own first attempt had arrived after all, finds itself in what is stored.
 *
 * @param client - The caller destroys it.
 * @param patience - For requests that are not answered, or meet others.
 */
export function s3Documents(
  client: S3Client,
  place: S3Place,
  patience: Patience = {},
): DocumentStore {
  const bucket = s3Bucket(client, place.bucket, patience)
  const keys = s3Keys(place)

  async function find(key: string, unless?: Tag): Promise<Stored | 'unchanged' | undefined> {
    const path = keys.document(key)
    const found = await bucket.get(path, { maxBytes: maxObjectBytes, unless })
    return typeof found === 'object' ? decode(bucket.at(path), found.bytes, found.etag) : found
  }

  /**
   * Writes until it is known whether this write, and no other, is what followed the condition.
   *
   * An attempt without an answer may be stored, and replaced by others since: then the present
   * document does not tell, and the outcome stays unknown. Where the condition still holds it is
   * not stored, and the same bytes are sent again: the two attempts cannot both succeed.
   */
  async function write(key: string, value: JsonObject, condition: Condition): Promise<Write> {
    const nonce = randomUUID()
    const bytes = Buffer.from(`{"nonce":"${nonce}","value":${documentJson(key, value)}}`)
    const path = keys.document(key)
    const where = `write ${bucket.at(path)}`
    return untilDecided(where, patience, async (course): Promise<Write | undefined> => {
      const written = course.saw(await bucket.put(path, bytes, condition))
      if (written.is === 'stored') return { ok: true, tag: written.etag }
      if (written.is === 'conflict') return undefined
      const found = (await find(key)) as Stored | undefined
      if (found?.nonce === nonce) return { ok: true, tag: found.tag }
      if (holds(condition, found)) return undefined
      if (course.doubt !== undefined) throw unknownOutcome(where, course.doubt)
      return { ok: false, current: found && { value: found.value, tag: found.tag } }
    })
  }

  return {
    read: async (key, unless) => {
      const found = await find(key, unless)
      return typeof found === 'object' ? { value: found.value, tag: found.tag } : found
    },
    create: (key, value) => write(key, value, 'absent'),
    swap: (key, value, tag) => write(key, value, { etag: tag }),
    remove: async (key, tag) => {
      const path = keys.document(key)
      return untilDecided(`remove ${bucket.at(path)}`, patience, async (course) => {
        const found = await bucket.head(path)
        // Gone after an attempt without an answer counts as gone by it: nobody needs to know more.
        if (found?.etag !== tag) return found === undefined && course.doubt !== undefined
        return course.saw(await bucket.remove(path, tag)).is === 'stored' ? true : undefined
      })
    },
    list: async (prefix, { after = '', limit } = {}) => {
      const found: string[] = []
      for await (const { key } of bucket.list(
        `${keys.documents}${prefix}`,
        keys.documents + after,
      )) {
        if (key.endsWith('.json')) found.push(key.slice(keys.documents.length, -'.json'.length))
      }
      // The ending makes the bucket's order another one: `a-b.json` comes before `a.json`.
      return found
        .filter((key) => key > after)
        .sort()
        .slice(0, limit)
    },
  }
}

function holds(condition: Condition, found: Stored | undefined): boolean {
  return condition === 'absent' ? found === undefined : found?.tag === condition.etag
}

function decode(where: string, bytes: Uint8Array, tag: Tag): Stored {
  const { nonce, value } = parsed(bytes) ?? {}
  if (typeof nonce === 'string' && isObject(value)) return { nonce, value, tag }
  const message = `read ${where}: expected {"nonce", "value"}, got other bytes`
  throw new StoreError(`${message}; restore an older version of the object`, { reason: 'damaged' })
}

function parsed(bytes: Uint8Array): JsonObject | undefined {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as JsonObject
  } catch {
    return undefined
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
