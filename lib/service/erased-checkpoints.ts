import { CheckpointError } from '../errors.ts'
import { namesAny } from '../learn/forget.ts'
import { decodePart } from '../learn/parts.ts'
import { stateOf } from '../learn/state-parts.ts'
import {
  type CheckpointHead,
  checkpointKind,
  checkpointPrefix,
  headKey,
  type PartRef,
} from '../registry/checkpoint-head.ts'
import { listAll, readDocument, readFound } from '../registry/document.ts'
import type { Lease } from '../registry/lease-document.ts'
import type { Registry } from '../registry/registry.ts'
import { soundBlob } from '../registry/sound-blob.ts'
import type { BlobStore, Digest, Tag } from '../store/types.ts'

/** Parts of a checkpoint that name pictures. */
const naming = ['buffer', 'heldOut', 'seen'] as const

interface StoredCheckpoint {
  readonly key: string
  readonly tag: Tag
  readonly head: CheckpointHead
  /** Whether a learner begins from it: those are never removed here. */
  readonly isHead: boolean
}

async function allCheckpoints({ documents }: Registry): Promise<StoredCheckpoint[]> {
  const found = await Promise.all(
    (await listAll(documents, checkpointPrefix)).map(async (key) => {
      const one = await readFound(documents, key)
      if (one === undefined) return []
      const head = readDocument<CheckpointHead>(key, one.value, checkpointKind)
      return [{ key, tag: one.tag, head, isHead: key === headKey(head.lineage) }]
    }),
  )
  return found.flat()
}

/** References of a checkpoint, and of the round that it froze, to parts that name pictures. */
function namingRefs({ parts, round }: CheckpointHead): [(typeof naming)[number], PartRef][] {
  return [parts, round?.parts ?? {}].flatMap((refs) =>
    naming.flatMap((name) =>
      refs[name] === undefined ? [] : [[name, refs[name]] as [typeof name, PartRef]],
    ),
  )
}

/** Tells whether a part names any of some pictures, and reads each part once. */
function partReader(blobs: BlobStore, ids: ReadonlySet<string>) {
  const known = new Map<Digest, Promise<boolean>>()
  const read = async (name: (typeof naming)[number], { digest, bytes }: PartRef) => {
    const part = await soundBlob(blobs, 'state', digest, bytes)
    if (part === undefined) return true // who knows: and nobody can begin from it
    try {
      return namesAny(stateOf({ [name]: decodePart(part) }), ids)
    } catch (error) {
      if (error instanceof CheckpointError) return true
      throw error
    }
  }
  return (name: (typeof naming)[number], ref: PartRef): Promise<boolean> => {
    const answer = known.get(ref.digest) ?? read(name, ref)
    known.set(ref.digest, answer)
    return answer
  }
}

async function split(
  registry: Registry,
  ids: ReadonlySet<string>,
): Promise<{ naming: StoredCheckpoint[]; others: StoredCheckpoint[]; parts: Set<Digest> }> {
  const names = partReader(registry.blobs, ids)
  const result = { naming: [], others: [], parts: new Set<Digest>() } as {
    naming: StoredCheckpoint[]
    others: StoredCheckpoint[]
    parts: Set<Digest>
  }
  for (const one of await allCheckpoints(registry)) {
    const refs = namingRefs(one.head)
    const answers = await Promise.all(refs.map(([name, ref]) => names(name, ref)))
    for (const [i, [, { digest }]] of refs.entries()) if (answers[i]) result.parts.add(digest)
    result[answers.includes(true) ? 'naming' : 'others'].push(one)
  }
  return result
}

/** Lineages whose present checkpoint names any of these pictures. */
export async function namingLineages(
  registry: Registry,
  ids: ReadonlySet<string>,
): Promise<readonly string[]> {
  const { naming: found } = await split(registry, ids)
  return found.filter(({ isHead }) => isHead).map(({ head }) => head.lineage)
}

/**
 * Removes the numbered copies of checkpoints that name any of these pictures, or can no longer be
 * read, and then the parts that only they named.
 *
 * @throws {@link LeaseLostError} as soon as the lease is not held.
 */
export async function dropNamingCheckpoints(
  registry: Registry,
  lease: Pick<Lease, 'assertHeld'>,
  ids: ReadonlySet<string>,
): Promise<void> {
  const { naming: found, others, parts } = await split(registry, ids)
  const stays = [...others, ...found.filter(({ isHead }) => isHead)]
  for (const { key, tag, isHead } of found) {
    if (isHead) continue
    lease.assertHeld()
    await registry.documents.remove(key, tag)
  }
  const named = new Set(
    stays.flatMap(({ head }) => namingRefs(head).map(([, { digest }]) => digest)),
  )
  for (const digest of parts) {
    if (named.has(digest)) continue
    lease.assertHeld()
    await registry.blobs.delete('state', digest, { olderThanMs: 0 })
  }
}
