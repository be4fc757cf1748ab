import { type Generation, generationKind } from '../search/generation.ts'
import type { Digest, Tag } from '../store/types.ts'
import { listAll, readDocument, readFound } from './document.ts'
import type { Registry } from './registry.ts'

/** What index generations keep, and which of them may go. */
export interface GenerationRoots {
  /** Documents of generations that nothing names. */
  readonly spent: readonly { readonly key: string; readonly tag: Tag }[]
  /** Blobs of the space `index` that the others name. */
  readonly blocks: ReadonlySet<Digest>
  /** Versions that the others were made with. */
  readonly versions: ReadonlySet<string>
}

const prefix = 'generations/'

/**
 * Tells apart the generations that stay: those of a version that a channel names, or named
 * before it; those that are being built; and those with a block that is younger than `minAgeMs`.
 *
 * @throws {@link RegistryError} if a document is malformed or newer than this program: then
 * nothing may be collected.
 */
export async function generationRoots(
  registry: Registry,
  minAgeMs: number,
): Promise<GenerationRoots> {
  const { documents, blobs, candidate, stable } = registry
  // Tags before channels: whoever works on one again makes our tag stale.
  const found = await Promise.all(
    (await listAll(documents, prefix)).map(async (key) => {
      const one = await readFound(documents, key)
      return one ? [{ key, tag: one.tag, value: readDocument(key, one.value, generationKind) }] : []
    }),
  )
  const channels = await Promise.all([candidate.read(), stable.read()])
  const named = new Set(
    channels.flatMap((state) => [state?.version, state?.previous?.version]).filter(Boolean),
  )
  const isYoung = async ({ blocks }: Generation): Promise<boolean> => {
    const ages = await Promise.all(blocks.map(({ digest }) => blobs.stat('index', digest)))
    return ages.some((info) => info !== undefined && info.ageMs < minAgeMs)
  }
  const fates = await Promise.all(
    found.flat().map(async (one) => {
      const { version, state } = one.value
      const stays = named.has(version) || state === 'building' || (await isYoung(one.value))
      return { ...one, stays }
    }),
  )
  const kept = fates.filter(({ stays }) => stays).map(({ value }) => value)
  return {
    spent: fates.filter(({ stays }) => !stays).map(({ key, tag }) => ({ key, tag })),
    blocks: new Set(
      kept.flatMap(({ blocks, sources }) =>
        [...blocks, ...sources.filter(({ done }) => !done)].map(({ digest }) => digest),
      ),
    ),
    versions: new Set(kept.map(({ version }) => version)),
  }
}
