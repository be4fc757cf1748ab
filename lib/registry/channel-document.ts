import { z } from 'zod'
import { RegistryError } from '../errors.ts'
import type { Digest } from '../store/types.ts'
import { countSchema, type DocumentKind, digestSchema } from './document.ts'
import { type GateReport, gateReportSchema } from './gate-report.ts'
import { versionIdSchema } from './version-id.ts'

/** `candidate`: the newest version that passed the gate. `stable`: what is served. */
export type ChannelName = 'candidate' | 'stable'

/** What a channel names: a version and, with search, the index generation made with it. */
export interface Release {
  readonly version: string
  /** Digest of the version's manifest. */
  readonly manifest: Digest
  readonly generation?: string
}

/** Who moved a channel, and why. */
export interface Move {
  /** Owner string of the role, or the person's name. */
  readonly by: string
  /** ms since 1970. */
  readonly at: number
  readonly why: string
  readonly gate?: GateReport
}

/** A channel as it stands after its `seq`th move. */
export interface ChannelState extends Release {
  readonly format: 1
  readonly channel: ChannelName
  /** Number of moves so far, from 1; readers refuse a lower one than seen. */
  readonly seq: number
  /** What it named before; absent as long as it named nothing else. */
  readonly previous?: Release
  /** Set by a rollback: nothing moves it by itself until somebody promotes. */
  readonly pinned: boolean
  /** Somebody asked for this candidate to become stable once it can. */
  readonly approved: boolean
  /** Largest lease number of those who moved it. */
  readonly fence: number
  readonly move: Move
}

const release = {
  version: versionIdSchema,
  manifest: digestSchema,
  generation: z.string().min(1).exactOptional(),
}

/** How a channel and its audit entries are stored. */
export const channelKind: DocumentKind<ChannelState> = {
  format: 1,
  error: RegistryError,
  schema: z.strictObject({
    format: z.literal(1),
    channel: z.enum(['candidate', 'stable']),
    seq: z.int().min(1),
    ...release,
    previous: z.strictObject(release).exactOptional(),
    pinned: z.boolean(),
    approved: z.boolean(),
    fence: countSchema,
    move: z.strictObject({
      by: z.string().min(1),
      at: countSchema,
      why: z.string(),
      gate: gateReportSchema.exactOptional(),
    }),
  }),
}

/** The release that a channel names. */
export function releaseOf({ version, manifest, generation }: Release): Release {
  return { version, manifest, ...(generation !== undefined && { generation }) }
}

/** Whether both are the same version with the same generation. */
export function isSameRelease(a: Release, b: Release): boolean {
  return a.version === b.version && a.manifest === b.manifest && a.generation === b.generation
}
