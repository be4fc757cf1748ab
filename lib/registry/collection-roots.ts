import type { Digest } from '../store/types.ts'
import {
  type CheckpointHead,
  checkpointKind,
  checkpointPrefix,
  copyKey,
  headKey,
} from './checkpoint-head.ts'
import { listAll, readDocument, readFound } from './document.ts'
import type { Registry } from './registry.ts'

/** What is named by something that stays. All else may go. */
export interface CollectionRoots {
  /** Heads, and the numbered copies that stay. */
  readonly checkpoints: readonly CheckpointHead[]
  /** Keys of numbered copies that may go. */
  readonly spentCopies: readonly string[]
  /** Manifests that a channel, its `previous` or a publish under way names. */
  readonly manifests: ReadonlySet<Digest>
  /** Versions that a checkpoint names as champion. */
  readonly versions: ReadonlySet<string>
}

/** So many copies of each lineage stay: what damage may fall back to. */
const keptCopies = 3

/**
 * Reads everything that keeps something else.
 *
 * @throws {@link RegistryError} or {@link CheckpointError} if a document is malformed or newer
 * than this program: then nothing may be collected.
 */
export async function collectionRoots(registry: Registry): Promise<CollectionRoots> {
  const lineages = await lineageRoots(registry)
  const checkpoints = lineages.flatMap(({ kept }) => kept)
  const channels = await Promise.all([registry.candidate.read(), registry.stable.read()])
  const releases = channels.flatMap((state) => [state, state?.previous])
  return {
    checkpoints,
    spentCopies: lineages.flatMap(({ spent }) => spent),
    manifests: setOf([...releases, ...checkpoints.map(({ pending }) => pending)], 'manifest'),
    versions: new Set(
      checkpoints.flatMap(({ model, round }) => [model.champion ?? '', round?.champion ?? '']),
    ),
  }
}

function setOf<K extends string>(
  items: readonly (Readonly<Record<K, string>> | undefined)[],
  field: K,
): ReadonlySet<string> {
  return new Set(items.flatMap((item) => (item ? [item[field]] : [])))
}

interface LineageRoots {
  readonly kept: readonly CheckpointHead[]
  readonly spent: readonly string[]
}

async function lineageRoots({ documents }: Registry): Promise<LineageRoots[]> {
  // Heads before the list: a copy that is newer than the head read here is left alone.
  const lineages = new Map<string, CheckpointHead>()
  for (const key of await listAll(documents, checkpointPrefix)) {
    const lineage = key.split('/')[1] ?? ''
    const found = key === headKey(lineage) ? await readFound(documents, key) : undefined
    if (found) lineages.set(lineage, readDocument(key, found.value, checkpointKind))
  }
  return Promise.all(
    [...lineages].map(async ([lineage, head]) => {
      const copies = await history(documents, lineage, head)
      const kept = new Set(copies.map(({ seq }) => copyKey(lineage, seq)))
      const keys = await listAll(documents, `${checkpointPrefix}${lineage}/`)
      const newest = copyKey(lineage, head.seq)
      const isSpent = (key: string): boolean => key < newest && !kept.has(key)
      return { kept: [head, ...copies], spent: keys.filter(isSpent) }
    }),
  )
}

/** The newest copies of the head's own history; copies of lost races are not among them. */
async function history(
  documents: Registry['documents'],
  lineage: string,
  head: CheckpointHead,
): Promise<CheckpointHead[]> {
  const copies: CheckpointHead[] = []
  let seq: number | undefined = head.seq
  while (seq !== undefined && copies.length < keptCopies) {
    const key = copyKey(lineage, seq)
    const found = await readFound(documents, key)
    const copy: CheckpointHead | undefined = found && readDocument(key, found.value, checkpointKind)
    if (copy) copies.push(copy)
    seq = copy?.after
  }
  return copies
}
