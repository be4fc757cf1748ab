import { ArtifactError } from '../errors.ts'
import type { Digest, Space, Tag } from '../store/types.ts'
import { type CollectionRoots, collectionRoots } from './collection-roots.ts'
import { readFound } from './document.ts'
import { generationRoots } from './generation-roots.ts'
import type { Lease } from './lease-document.ts'
import type { Registry } from './registry.ts'
import { versionNumber } from './version-id.ts'
import { type VersionEntry, versionKey } from './versions.ts'

/** Settings of collection. */
export interface CollectOptions {
  /** Newest versions that stay in any case, ≥ 1. Default 10. */
  readonly keep?: number
  /** What is younger stays, ms. Default 24 hours; never below a publish's duration. */
  readonly minAgeMs?: number
}
/** Defaults of {@link CollectOptions}. */
export const defaultCollectOptions: Required<CollectOptions> = { keep: 10, minAgeMs: 86_400_000 }

/** What would go. */
export interface CollectionPlan {
  readonly documents: readonly { readonly key: string; readonly tag: Tag }[]
  readonly blobs: readonly {
    readonly space: Space
    readonly digest: Digest
    readonly bytes: number
  }[]
  /** Versions that stay although their manifest cannot be read; no model's bytes go meanwhile. */
  readonly unreadable: readonly string[]
}

/**
 * What collection would remove now: old versions, checkpoints that nothing can fall back to,
 * index generations that nothing names, and the bytes that only they name. Audit and pictures are
 * not its business.
 *
 * @param registry - What to look at. Nothing is changed.
 * @param options - See {@link CollectOptions}.
 */
export async function planCollection(
  registry: Registry,
  options: CollectOptions = {},
): Promise<CollectionPlan> {
  const { keep, minAgeMs } = { ...defaultCollectOptions, ...options }
  // Tags before roots: whoever names a version and then touches it makes our tag stale.
  const known = await withTags(registry)
  const generations = await generationRoots(registry, minAgeMs)
  const roots = await collectionRoots(registry)
  const copies = await Promise.all(
    roots.spentCopies.map(async (key) => ({
      key,
      tag: (await readFound(registry.documents, key))?.tag,
    })),
  )
  const isKept = async ({ entry }: Tagged, rank: number): Promise<boolean> => {
    if (rank < keep || roots.manifests.has(entry.manifest)) return true
    if (roots.versions.has(entry.version) || generations.versions.has(entry.version)) return true
    const manifest = await registry.blobs.stat('models', entry.manifest)
    return manifest !== undefined && manifest.ageMs < minAgeMs
  }
  const fates = await Promise.all(known.map(isKept))
  const kept = known.filter((_, i) => fates[i]).map(({ entry }) => entry)
  const models = await modelDigests(registry, kept, roots)
  const stays: Partial<Record<Space, ReadonlySet<Digest>>> = {
    state: partDigests(roots),
    index: generations.blocks,
    ...(models.unreadable.length === 0 && { models: models.digests }),
  }
  const gone = known.filter((_, i) => !fates[i]).map(({ key, tag }) => ({ key, tag }))
  const spent = copies.flatMap(({ key, tag }) => (tag ? [{ key, tag }] : []))
  return {
    documents: [...gone, ...spent, ...generations.spent],
    blobs: await unnamedBlobs(registry, stays, minAgeMs),
    unreadable: models.unreadable,
  }
}

/**
 * Removes what {@link planCollection} finds: documents first, then bytes.
 *
 * What somebody names again meanwhile stays whole, because whoever does so puts the bytes first,
 * which renews their age, and touches the version's document after.
 *
 * @param registry - What to collect.
 * @param lease - The lease `gc`: without it nothing is removed.
 * @param options - See {@link CollectOptions}.
 * @returns What went.
 * @throws {@link LeaseLostError} as soon as the lease is not held.
 */
export async function collect(
  registry: Registry,
  lease: Pick<Lease, 'assertHeld'>,
  options: CollectOptions = {},
): Promise<CollectionPlan> {
  const { minAgeMs: olderThanMs } = { ...defaultCollectOptions, ...options }
  const { unreadable, ...plan } = await planCollection(registry, options)
  const documents: CollectionPlan['documents'][number][] = []
  for (const document of plan.documents) {
    lease.assertHeld()
    if (await registry.documents.remove(document.key, document.tag)) documents.push(document)
  }
  const blobs: CollectionPlan['blobs'][number][] = []
  // Blocks are not put again by whoever names their generation again: they are looked up instead.
  const { blocks } = await generationRoots(registry, olderThanMs)
  for (const blob of plan.blobs) {
    lease.assertHeld()
    if (blob.space === 'index' && blocks.has(blob.digest)) continue
    if (await registry.blobs.delete(blob.space, blob.digest, { olderThanMs })) blobs.push(blob)
  }
  return { documents, blobs, unreadable }
}

interface Tagged {
  readonly entry: VersionEntry
  readonly key: string
  readonly tag: Tag
}

/** Versions, newest first, each with the tag of its document. */
async function withTags({ documents, versions }: Registry): Promise<Tagged[]> {
  const entries = await versions.list()
  const tagged = entries.map(async (entry) => {
    const key = versionKey(versionNumber(entry.version) ?? 0)
    const found = await readFound(documents, key)
    return found ? [{ entry, key, tag: found.tag }] : []
  })
  return (await Promise.all(tagged)).flat()
}

function partDigests({ checkpoints }: CollectionRoots): ReadonlySet<Digest> {
  const parts = checkpoints.flatMap((head) => [
    ...Object.values(head.parts),
    ...Object.values(head.round?.parts ?? {}),
  ])
  return new Set(parts.map(({ digest }) => digest))
}

/** Manifests that stay, and the files they list. */
async function modelDigests(
  registry: Registry,
  kept: readonly VersionEntry[],
  roots: CollectionRoots,
): Promise<{ digests: ReadonlySet<Digest>; unreadable: readonly string[] }> {
  const manifests = new Set([...kept.map(({ manifest }) => manifest), ...roots.manifests])
  const digests = new Set<Digest>(manifests)
  const unreadable: string[] = []
  for (const digest of manifests) {
    try {
      for (const { sha256 } of (await registry.manifest(digest)).files) digests.add(sha256)
    } catch (error) {
      if (!(error instanceof ArtifactError)) throw error
      unreadable.push(kept.find(({ manifest }) => manifest === digest)?.version ?? digest)
    }
  }
  return { digests, unreadable }
}

async function unnamedBlobs(
  { blobs }: Registry,
  stays: Partial<Record<Space, ReadonlySet<Digest>>>,
  minAgeMs: number,
): Promise<CollectionPlan['blobs']> {
  const found: CollectionPlan['blobs'][number][] = []
  for (const [space, named] of Object.entries(stays) as [Space, ReadonlySet<Digest>][]) {
    for await (const { digest, bytes, ageMs } of blobs.list(space)) {
      if (!named.has(digest) && ageMs >= minAgeMs) found.push({ space, digest, bytes })
    }
  }
  return found
}
