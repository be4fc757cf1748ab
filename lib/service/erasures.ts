import { z } from 'zod'
import { RegistryError } from '../errors.ts'
import { plainJson } from '../registry/canonical.ts'
import {
  countSchema,
  type DocumentKind,
  listAll,
  readDocument,
  readFound,
} from '../registry/document.ts'
import { fewAtATime } from '../store/few-at-a-time.ts'
import type { DocumentStore } from '../store/types.ts'
import type { Asked } from './requests.ts'

/** Who has forgotten a picture, and when, ms since 1970; absent: not yet. */
export interface ErasureDone {
  readonly learn?: number
  /** By partition of the pictures: each has one owner, who writes its blocks again. */
  readonly embed?: Readonly<Record<string, number>>
  /** Last of all: until then somebody may still store the picture again. */
  readonly collection?: number
}

/** A picture that is to be forgotten, and how far that is. */
export interface Erasure extends Asked {
  readonly format: 1
  readonly done: ErasureDone
}

const prefix = 'erased/'
const kind: DocumentKind<Erasure> = {
  format: 1,
  error: RegistryError,
  schema: z.strictObject({
    format: z.literal(1),
    by: z.string().min(1),
    at: countSchema,
    why: z.string(),
    done: z.strictObject({
      learn: countSchema.exactOptional(),
      embed: z.record(z.string(), countSchema).exactOptional(),
      collection: countSchema.exactOptional(),
    }),
  }),
}

/**
 * Asks every role to forget a picture. To ask twice is no error: the first wish stays.
 *
 * @param id - 64 hex characters.
 * @returns Whether it was asked for before.
 */
export async function requestErasure(
  documents: DocumentStore,
  id: string,
  { by, at, why }: Asked,
): Promise<{ readonly wasAsked: boolean }> {
  const wish: Erasure = { format: 1, by, at, why, done: {} }
  const write = await documents.create(`${prefix}${id}`, plainJson(wish))
  return { wasAsked: !write.ok }
}

/** Whether somebody asked to forget a picture. */
export async function isErased(documents: DocumentStore, id: string): Promise<boolean> {
  return (await documents.read(`${prefix}${id}`)) !== undefined
}

/** Ids of all pictures that somebody asked to forget. */
export async function erasedIds(documents: DocumentStore): Promise<ReadonlySet<string>> {
  const keys = await listAll(documents, prefix)
  return new Set(keys.map((key) => key.slice(prefix.length)))
}

/** How far it is with a picture; `undefined` if nobody asked to forget it. */
export async function readErasure(
  documents: DocumentStore,
  id: string,
): Promise<Erasure | undefined> {
  const found = await readFound(documents, `${prefix}${id}`)
  return found && readDocument(`${prefix}${id}`, found.value, kind)
}

/** Documents that are read or written at a time. */
const atOnce = 16

/** How far it is with pictures, by id; those that nobody asked to forget are left out. */
export async function readErasures(
  documents: DocumentStore,
  ids: Iterable<string>,
): Promise<ReadonlyMap<string, Erasure>> {
  const found = new Map<string, Erasure>()
  await fewAtATime(ids, atOnce, async (id) => {
    const erasure = await readErasure(documents, id)
    if (erasure !== undefined) found.set(id, erasure)
  })
  return found
}

/**
 * Notes that somebody has forgotten pictures.
 *
 * @param change - What `done` says then; what is noted already stays as it is.
 */
export function noteErased(
  documents: DocumentStore,
  ids: Iterable<string>,
  change: ErasureDone,
): Promise<void> {
  return fewAtATime(ids, atOnce, async (id) => {
    const key = `${prefix}${id}`
    for (;;) {
      const found = await readFound(documents, key)
      if (found === undefined) return
      const present = readDocument(key, found.value, kind)
      const embed = { ...change.embed, ...present.done.embed }
      const isPart = Object.keys(embed).length > 0
      const done = { ...change, ...present.done, ...(isPart && { embed }) }
      if (isNoted(present.done, change)) return
      const written = await documents.swap(key, plainJson({ ...present, done }), found.tag)
      if (written.ok) return
    }
  })
}

function isNoted(present: ErasureDone, change: ErasureDone): boolean {
  const partitions = Object.keys(change.embed ?? {})
  return (
    (change.learn === undefined || present.learn !== undefined) &&
    (change.collection === undefined || present.collection !== undefined) &&
    partitions.every((partition) => present.embed?.[partition] !== undefined)
  )
}

/** The erasures that somebody has still to act on, without reading the others again and again. */
export function openErasures(
  documents: DocumentStore,
): () => Promise<ReadonlyMap<string, Erasure>> {
  const closed = new Set<string>()
  return async () => {
    const ids = [...(await erasedIds(documents))].filter((id) => !closed.has(id))
    const found = await readErasures(documents, ids)
    for (const [id, { done }] of found) if (done.collection !== undefined) closed.add(id)
    return new Map([...found].filter(([id]) => !closed.has(id)))
  }
}
