import { z } from 'zod'
import { CheckpointError } from '../errors.ts'
import type { Digest, JsonObject } from '../store/types.ts'
import {
  countSchema,
  type DocumentKind,
  digestSchema,
  jsonObjectSchema,
  keyNumber,
} from './document.ts'
import { namePattern } from './pipeline.ts'
import { versionIdSchema } from './version-id.ts'

/** A part of a checkpoint: a blob of the space `state`. */
export interface PartRef {
  readonly digest: Digest
  readonly bytes: number
}
/** Parts by name. */
export type PartRefs = Readonly<Record<string, PartRef>>

/** The frozen input of a round under way: from here it starts again after a kill. */
export interface RoundInput {
  readonly number: number
  readonly seed: number
  /** The version that the gate will compare with; absent when there is none. */
  readonly champion?: string
  /** All parts as they were when the round began. */
  readonly parts: PartRefs
  /** What else the learner froze. */
  readonly plan?: JsonObject
}

/** A publish in progress: from here it goes on after a kill. */
export interface Pending {
  readonly n: number
  readonly manifest: Digest
}

/** What a checkpoint says beside its parts. */
export interface CheckpointContent {
  /** When it was written, ms since 1970. */
  readonly at: number
  /** Next offset of each partition. */
  readonly offsets: Readonly<Record<string, number>>
  /** Records of each partition by outcome: applied, duplicate, quarantined, erased, passed over. */
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** Absent between rounds. */
  readonly round?: RoundInput | undefined
  /** Records stored before are passed over, ms since 1970; absent: none is. */
  readonly since?: number | undefined
  /** When the last round began, ms since 1970; absent before the first. */
  readonly lastStart?: number | undefined
  /** Generator state and random counters. */
  readonly random: JsonObject
  /** Hash of the settings that change results. */
  readonly settings: string
  /** The champion, once there is one, and the number of the next version. */
  readonly model: { readonly champion?: string; readonly next: number }
  /** Absent unless a publish is under way. */
  readonly pending?: Pending | undefined
}

/** The document that decides everything which must agree. */
export interface CheckpointHead extends CheckpointContent {
  readonly format: 1
  readonly lineage: string
  /** Grows with every checkpoint. */
  readonly seq: number
  /** `seq` of the checkpoint it replaced; absent on the first. */
  readonly after?: number
  /** Lease number of the writer. */
  readonly fence: number
  /** Identity of the log that the offsets count in. */
  readonly log: string
  readonly parts: PartRefs
}

const partsSchema = z.record(
  z.string(),
  z.strictObject({ digest: digestSchema, bytes: countSchema }),
)

/** How a head and its numbered copies are stored. */
export const checkpointKind: DocumentKind<CheckpointHead> = {
  format: 1,
  error: CheckpointError,
  schema: z.strictObject({
    format: z.literal(1),
    lineage: z.string().regex(namePattern),
    seq: z.int().min(1),
    after: z.int().min(1).exactOptional(),
    fence: countSchema,
    at: countSchema,
    log: z.string().min(1),
    offsets: z.record(z.string(), countSchema),
    counts: z.record(z.string(), z.record(z.string(), countSchema)),
    parts: partsSchema,
    round: z
      .strictObject({
        number: z.int().min(1),
        seed: z.int(),
        champion: versionIdSchema.exactOptional(),
        parts: partsSchema,
        plan: jsonObjectSchema.exactOptional(),
      })
      .exactOptional(),
    since: countSchema.exactOptional(),
    lastStart: countSchema.exactOptional(),
    random: jsonObjectSchema,
    settings: z.string(),
    model: z.strictObject({
      champion: versionIdSchema.exactOptional(),
      next: z.int().min(1),
    }),
    pending: z.strictObject({ n: z.int().min(1), manifest: digestSchema }).exactOptional(),
  }),
}

/** Under this prefix lie all checkpoints of all lineages. */
export const checkpointPrefix = 'checkpoint/'
/** Key of the head of a lineage. */
export const headKey = (lineage: string): string => `${checkpointPrefix}${lineage}/head`
/** Key of the numbered copy of a checkpoint. */
export const copyKey = (lineage: string, seq: number): string =>
  `${checkpointPrefix}${lineage}/${keyNumber(seq)}`
