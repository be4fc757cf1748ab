import { CheckpointError } from '../errors.ts'
import { decodePart } from '../learn/parts.ts'
import { stateOf } from '../learn/state-parts.ts'
import {
  type CheckpointHead,
  copyKey,
  type PartRef,
  type PartRefs,
} from '../registry/checkpoint-head.ts'
import { soundBlob } from '../registry/sound-blob.ts'
import type { BlobStore, Digest } from '../store/types.ts'

/** Pictures that somebody may still ask for. */
export interface NamedPictures {
  readonly ids: ReadonlySet<Digest>
  /** Checkpoints of which a part cannot be read: what they name is not known. */
  readonly unreadable: readonly string[]
}

/** The parts of a checkpoint that name pictures whose bytes are needed. */
const naming = ['buffer', 'heldOut'] as const

/**
 * Image ids in the buffers and held-out sets of checkpoints, and of the rounds under way.
 *
 * @throws {@link StoreError} if the store is out of reach.
 */
export async function namedPictures(
  blobs: BlobStore,
  checkpoints: readonly CheckpointHead[],
): Promise<NamedPictures> {
  const ids = new Set<Digest>()
  const unreadable = new Set<string>()
  const read = new Map<Digest, readonly Digest[] | undefined>()
  for (const head of checkpoints) {
    for (const refs of [head.parts, head.round?.parts ?? {}] satisfies PartRefs[]) {
      for (const name of naming) {
        const ref = refs[name]
        if (ref === undefined) continue
        if (!read.has(ref.digest)) read.set(ref.digest, await idsOf(blobs, name, ref))
        const found = read.get(ref.digest)
        if (found === undefined) unreadable.add(copyKey(head.lineage, head.seq))
        for (const id of found ?? []) ids.add(id)
      }
    }
  }
  return { ids, unreadable: [...unreadable] }
}

/** Image ids that a part names; undefined if it is missing or damaged. */
async function idsOf(
  blobs: BlobStore,
  name: (typeof naming)[number],
  { digest, bytes }: PartRef,
): Promise<readonly Digest[] | undefined> {
  const part = await soundBlob(blobs, 'state', digest, bytes)
  if (part === undefined) return undefined
  try {
    const { buffer, heldOut } = stateOf({ [name]: decodePart(part) })
    const held = [...heldOut.a, ...heldOut.b, ...heldOut.monitor]
    return [...buffer.entries.keys(), ...held.map(({ id }) => id)]
  } catch (error) {
    if (error instanceof CheckpointError) return undefined
    throw error
  }
}
