import { z } from 'zod'
import { RegistryError } from '../errors.ts'
import type { Digest, DocumentStore } from '../store/types.ts'
import { plainJson } from './canonical.ts'
import { type DocumentKind, digestSchema, listAll, readDocument, readFound } from './document.ts'
import { versionId, versionIdSchema } from './version-id.ts'

/** A version's document: its name, and the digest that everything else hangs on. */
export interface VersionEntry {
  readonly format: 1
  /** `v<n>-<12 hex>`. */
  readonly version: string
  /** Digest of the manifest, a blob of the space `models`. */
  readonly manifest: Digest
}

/** The versions of a pipeline: written once, never changed. */
export interface Versions {
  /**
   * Makes version `n` exist; the same digest there already is success.
   *
   * @throws {@link RegistryError} if `n` has another digest: another history wrote it.
   */
  create(n: number, manifest: Digest): Promise<VersionEntry>
  /**
   * Like `create`, and gives the document a new tag, so that a collection which has decided to
   * remove it before finds that it has not.
   */
  touch(n: number, manifest: Digest): Promise<VersionEntry>
  /** By number. */
  get(n: number): Promise<VersionEntry | undefined>
  /** By name: `v41-0123456789ab`, or a prefix of it that ends behind the number, such as `v41`. */
  resolve(name: string): Promise<VersionEntry | undefined>
  /** All of them, newest first. */
  list(): Promise<readonly VersionEntry[]>
  /** The number after the highest there is; 1 without any. */
  next(): Promise<number>
}

const prefix = 'versions/'
/** Key of a version's document. */
export const versionKey = (n: number): string => `${prefix}${n}`

const kind: DocumentKind<VersionEntry> = {
  format: 1,
  error: RegistryError,
  schema: z.strictObject({
    format: z.literal(1),
    version: versionIdSchema,
    manifest: digestSchema,
  }),
}

/** {@link Versions} over any document store. */
export function versions(documents: DocumentStore): Versions {
  const get = async (n: number): Promise<VersionEntry | undefined> => {
    const found = await readFound(documents, versionKey(n))
    return found && readDocument(versionKey(n), found.value, kind)
  }
  const numbers = async (): Promise<number[]> => {
    const keys = await listAll(documents, prefix)
    return keys.map((key) => Number(key.slice(prefix.length))).sort((a, b) => b - a)
  }
  const create = async (n: number, manifest: Digest): Promise<VersionEntry> => {
    const key = versionKey(n)
    const entry: VersionEntry = { format: 1, version: versionId(n, manifest), manifest }
    const write = await documents.create(key, plainJson(entry))
    if (write.ok) return entry
    const present = readDocument(key, write.current?.value, kind)
    if (present.manifest === manifest) return present
    const message = `${key}: expected manifest ${manifest}, got ${present.manifest}`
    throw new RegistryError(`${message} of another history`, { reason: 'other-history' })
  }
  return {
    get,
    create,
    async touch(n, manifest) {
      for (;;) {
        const entry = await create(n, manifest)
        const found = await readFound(documents, versionKey(n))
        if (!found) continue // removed in between: make it again
        if ((await documents.swap(versionKey(n), found.value, found.tag)).ok) return entry
      }
    },
    async resolve(name) {
      const n = /^v(\d+)(-[0-9a-f]*)?$/.exec(name)?.[1]
      const entry = n === undefined ? undefined : await get(Number(n))
      return entry?.version.startsWith(name) ? entry : undefined
    },
    async list() {
      const entries = await Promise.all((await numbers()).map(get))
      return entries.filter((entry) => entry !== undefined)
    },
    async next() {
      return ((await numbers())[0] ?? 0) + 1
    },
  }
}
