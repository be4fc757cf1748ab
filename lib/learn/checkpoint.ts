import { CheckpointError, LeaseLostError } from '../errors.ts'
import { isSameJson, plainJson } from '../registry/canonical.ts'
import {
  type CheckpointContent,
  type CheckpointHead,
  checkpointKind,
  copyKey,
  headKey,
  type PartRef,
  type PartRefs,
  type RoundInput,
} from '../registry/checkpoint-head.ts'
import { readDocument, readFound, writeOver } from '../registry/document.ts'
import { versions } from '../registry/versions.ts'
import type { BlobStore, DocumentStore, Tag } from '../store/types.ts'
import type { PartContent } from './parts.ts'
import { type FoundParts, readParts, storePart } from './stored-parts.ts'

/** What {@link openCheckpoint} needs. */
export interface CheckpointOptions {
  readonly documents: DocumentStore
  readonly blobs: BlobStore
  /** Name of the history; `main`. */
  readonly lineage: string
  /** Lease number of this writer. */
  readonly fence: number
  /** Identity of the log that offsets count in. */
  readonly log: string
}

/** A head as this writer loaded or wrote it last: what the next checkpoint must replace. */
export interface Saved {
  readonly head: CheckpointHead
  readonly tag: Tag
}

/** The next checkpoint. */
export interface NextCheckpoint extends Omit<CheckpointContent, 'round'> {
  /** Absent between rounds. Without parts its frozen input is this very checkpoint's. */
  readonly round?: (Omit<RoundInput, 'parts'> & { readonly parts?: PartRefs }) | undefined
  /** Content of the parts that may have changed, references to the others. */
  readonly parts: Readonly<Record<string, PartContent | PartRef>>
  /** Where the range of records just applied began, by partition. Absent: no record was. */
  readonly from?: Readonly<Record<string, number>>
}

/** Where damage led. To be audited by the caller. */
export interface Fallback {
  /** `seq` of the head that names damaged parts, and of the copy that was taken instead. */
  readonly from: number
  readonly to: number
  /** Names of the damaged parts of the head. */
  readonly damaged: readonly string[]
}

/** A checkpoint with its parts. */
export interface Loaded extends FoundParts {
  readonly saved: Saved
  readonly fallback?: Fallback
}

/** The learner's whole state, replaced as one. */
export interface Checkpoints {
  /**
   * Loads the head and writes this writer's fence into it, so that earlier writers fail.
   *
   * A part that is missing or damaged makes it fall back to the newest checkpoint before it
   * that verifies, which becomes the head; its `model.next` is then above every version.
   *
   * @returns `undefined` if the lineage has none.
   * @throws {@link LeaseLostError} if a later writer has it; {@link CheckpointError} if it
   * belongs to another log, its format is newer, or no checkpoint verifies.
   */
  load(): Promise<Loaded | undefined>
  /**
   * Parts, numbered copy, head: takes effect whole or not at all.
   *
   * After an error that is retryable, call it again with the same arguments, or load.
   *
   * @param previous - What it replaces; `undefined` for the first.
   * @throws {@link LeaseLostError} if another writer has replaced `previous`;
   * {@link CheckpointError} with reason `offset-jump` if `next.from` is not where `previous` ends.
   */
  replace(previous: Saved | undefined, next: NextCheckpoint): Promise<Saved>
}

/** Opens the checkpoints of a lineage for a holder of the lease. Reads nothing yet. */
export function openCheckpoint(options: CheckpointOptions): Checkpoints {
  const { documents, blobs, lineage, fence, log } = options
  const key = headKey(lineage)

  /** Numbered copy, then head. `replaced` has the tag, `after` the content it follows. */
  async function write(
    content: Omit<CheckpointHead, 'format' | 'lineage' | 'seq' | 'after' | 'fence' | 'log'>,
    replaced: Saved | undefined,
    after: number | undefined,
  ): Promise<Saved> {
    for (let seq = (replaced?.head.seq ?? 0) + 1; ; seq += 1) {
      const head = readDocument<CheckpointHead>(
        key,
        plainJson({ ...content, format: 1, lineage, seq, after, fence, log }),
        checkpointKind,
      )
      const value = plainJson(head)
      const copy = await documents.create(copyKey(lineage, seq), value)
      // A number that a crash or an earlier writer has used for something else is skipped.
      if (!copy.ok && !(copy.current && isSameJson(copy.current.value, value))) continue
      const written = await writeOver(documents, key, value, replaced)
      if (written.ok) return { head, tag: written.tag }
      const { current } = written
      // Our own write, whose answer was lost.
      if (current && isSameJson(current.value, value)) return { head, tag: current.tag }
      throw new LeaseLostError(
        `${key}: expected to replace checkpoint ${replaced?.head.seq ?? 'none'}, another writer has`,
      )
    }
  }

  async function adopted(): Promise<Saved | undefined> {
    for (;;) {
      const found = await readFound(documents, key)
      if (!found) return undefined
      const head = readDocument(key, found.value, checkpointKind)
      if (head.log !== log) {
        throw new CheckpointError(`${key}: expected log ${log}, got offsets of log ${head.log}`, {
          reason: 'other-log',
        })
      }
      if (head.fence > fence) {
        throw new LeaseLostError(`${key}: expected fence ${fence} or less, got ${head.fence}`)
      }
      if (head.fence === fence) return { head, tag: found.tag }
      const mine = { ...head, fence }
      const swapped = await documents.swap(key, plainJson(mine), found.tag)
      if (swapped.ok) return { head: mine, tag: swapped.tag }
    }
  }

  /** The newest checkpoint before this one whose parts verify. */
  async function fallBack(saved: Saved, damaged: readonly string[]): Promise<Loaded> {
    let seq: number | undefined = saved.head.seq
    while (seq !== undefined) {
      const found = await readFound(documents, copyKey(lineage, seq))
      const copy: CheckpointHead | undefined =
        found && readDocument(copyKey(lineage, seq), found.value, checkpointKind)
      const read = copy && (await readParts(blobs, copy))
      if (copy && read && 'parts' in read) {
        const next = Math.max(copy.model.next, await versions(documents).next())
        const content = { ...copy, model: { ...copy.model, next } }
        const now = await write(content, saved, copy.seq)
        return { ...read, saved: now, fallback: { from: saved.head.seq, to: copy.seq, damaged } }
      }
      seq = copy?.after
    }
    const parts = damaged.join(', ')
    throw new CheckpointError(`${key}: expected intact parts, ${parts} and all older are damaged`, {
      reason: 'damaged',
    })
  }

  return {
    async load() {
      const saved = await adopted()
      if (!saved) return undefined
      const read = await readParts(blobs, saved.head)
      return 'parts' in read ? { ...read, saved } : fallBack(saved, read.damaged)
    },
    async replace(previous, next) {
      assertContinues(key, previous?.head, next)
      const { from: _, parts: given, ...content } = next
      const parts: Record<string, PartRef> = {}
      for (const [name, part] of Object.entries(given)) {
        const present = previous?.head.parts[name]
        parts[name] = 'digest' in part ? part : await storePart(blobs, part, present)
      }
      const round = next.round && { parts, ...next.round }
      return write({ ...content, round, parts }, previous, previous?.head.seq)
    },
  }
}

/** The records applied since `previous` must begin where it ends, in every partition. */
function assertContinues(
  key: string,
  previous: CheckpointHead | undefined,
  next: NextCheckpoint,
): void {
  for (const [partition, end] of Object.entries(previous?.offsets ?? {})) {
    const to = next.offsets[partition]
    const from = next.from?.[partition] ?? (to === end ? end : undefined)
    if (from === end && to !== undefined && to >= end) continue
    throw new CheckpointError(
      `${key}: ${partition}: expected records from ${end} on, got ${from ?? 'none'} to ${to ?? 'none'}`,
      { reason: 'offset-jump' },
    )
  }
}
