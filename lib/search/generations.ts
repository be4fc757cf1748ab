import { MissingError } from '../errors.ts'
import { plainJson } from '../registry/canonical.ts'
import { listAll, readDocument, readFound } from '../registry/document.ts'
import type { DocumentStore } from '../store/types.ts'
import { type Generation, generationKind } from './generation.ts'

/** What a generation begins as. */
export type NewGeneration = Pick<
  Generation,
  'version' | 'manifest' | 'preprocessing' | 'dim' | 'at'
>

/** The generations of a pipeline, each changed by compare-and-swap. */
export interface Generations {
  read(id: string): Promise<Generation | undefined>
  /** All of them, the oldest first; or those of a version, the first attempt first. */
  list(version?: string): Promise<readonly Generation[]>
  /**
   * Begins one more attempt; whoever comes second gets what the first one began.
   *
   * @param attempt - Number of the attempt, from 1.
   */
  create(generation: NewGeneration, attempt: number): Promise<Generation>
  /**
   * Changes one by a swap; if another change came first, it is asked again.
   *
   * @param change - The next state; `undefined`: there is nothing to change.
   * @returns The state after it.
   * @throws {@link MissingError} if there is no such generation.
   */
  update(id: string, change: (present: Generation) => Generation | undefined): Promise<Generation>
  /** Gives it a new tag, so that a collection which has decided to remove it finds it has not. */
  touch(id: string): Promise<void>
}

const prefix = 'generations/'

/** {@link Generations} over any document store. */
export function generations(documents: DocumentStore): Generations {
  const find = async (id: string) => {
    const found = await readFound(documents, `${prefix}${id}`)
    return found && { value: readDocument(id, found.value, generationKind), tag: found.tag }
  }
  return {
    read: async (id) => (await find(id))?.value,
    list: async (version) => {
      const keys = await listAll(documents, version === undefined ? prefix : `${prefix}${version}.`)
      const found = await Promise.all(keys.map((key) => find(key.slice(prefix.length))))
      const all = found.flatMap((one) => (one ? [one.value] : []))
      // Clocks differ, attempts of one version have numbers.
      return all.sort(version === undefined ? byTime : byAttempt)
    },
    create: async ({ version, manifest, preprocessing, dim, at }, attempt) => {
      const id = `${version}.${attempt}`
      const first: Generation = {
        format: 1,
        id,
        version,
        manifest,
        preprocessing,
        dim,
        at,
        state: 'building',
        sources: [],
        blocks: [],
        next: {},
        follow: {},
      }
      const write = await documents.create(`${prefix}${id}`, plainJson(first))
      return write.ok ? first : readDocument(id, write.current?.value, generationKind)
    },
    update: async (id, change) => {
      for (;;) {
        const present = await find(id)
        if (!present) throw new MissingError(`${id}: expected a generation, there is none`)
        const next = change(present.value)
        if (next === undefined) return present.value
        const write = await documents.swap(`${prefix}${id}`, plainJson(next), present.tag)
        if (write.ok) return next
      }
    },
    touch: async (id) => {
      const present = await find(id)
      // Whoever else writes it meanwhile gives it another tag as well.
      if (present) await documents.swap(`${prefix}${id}`, plainJson(present.value), present.tag)
    },
  }
}

const byTime = (a: Generation, b: Generation): number => a.at - b.at
const byAttempt = (a: Generation, b: Generation): number => attemptOf(a) - attemptOf(b)

/** Number of the attempt that a generation is. */
export function attemptOf({ id }: Pick<Generation, 'id'>): number {
  return Number(id.slice(id.lastIndexOf('.') + 1))
}
