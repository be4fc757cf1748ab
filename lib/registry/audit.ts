import { z } from 'zod'
import { RegistryError } from '../errors.ts'
import type { DocumentStore } from '../store/types.ts'
import { plainJson } from './canonical.ts'
import { type ChannelName, type ChannelState, channelKind } from './channel-document.ts'
import {
  countSchema,
  type DocumentKind,
  keyNumber,
  listAll,
  readDocument,
  readFound,
} from './document.ts'
import { type GateReport, gateReportSchema } from './gate-report.ts'
import { versionIdSchema } from './version-id.ts'

/** How a round ended; `hold` and `reject` are kept like any other. */
export interface RoundEntry {
  readonly format: 1
  readonly lineage: string
  /** Number of the round, from 1, over all lineages. */
  readonly round: number
  /** ms since 1970. */
  readonly at: number
  /** Lease number of the learner. */
  readonly fence: number
  readonly gate: GateReport
  /** The version it became; absent if the gate kept the champion. */
  readonly version?: string
}

/** What happened, never rewritten and never collected. */
export interface Audit {
  /**
   * Keeps a round's end; the first entry of a round stays.
   *
   * @returns The entry that is kept: a repeated round gets that of its first end.
   */
  recordRound(entry: RoundEntry): Promise<RoundEntry>
  /** All rounds, oldest first. */
  rounds(): Promise<readonly RoundEntry[]>
  /** The number after the last round's; 1 without any. A new lineage begins there. */
  nextRound(): Promise<number>
  /** All states of a channel, oldest first. */
  moves(channel: ChannelName): Promise<readonly ChannelState[]>
}

const roundPrefix = 'audit/rounds/'
const movePrefix = (channel: ChannelName): string => `audit/${channel}/`

const roundKind: DocumentKind<RoundEntry> = {
  format: 1,
  error: RegistryError,
  schema: z.strictObject({
    format: z.literal(1),
    lineage: z.string().min(1),
    round: z.int().min(1),
    at: countSchema,
    fence: countSchema,
    gate: gateReportSchema,
    version: versionIdSchema.exactOptional(),
  }),
}

/** {@link Audit} over any document store. */
export function audit(documents: DocumentStore): Audit {
  async function readAll<T>(prefix: string, kind: DocumentKind<T>): Promise<readonly T[]> {
    const keys = await listAll(documents, prefix)
    const all = keys.map(async (key) => {
      const found = await readFound(documents, key)
      return readDocument(key, found?.value, kind)
    })
    return Promise.all(all)
  }
  return {
    async recordRound(entry) {
      const key = `${roundPrefix}${keyNumber(entry.round)}`
      const write = await documents.create(key, plainJson(readDocument(key, entry, roundKind)))
      return write.ok ? entry : readDocument(key, write.current?.value, roundKind)
    },
    rounds: () => readAll(roundPrefix, roundKind),
    async nextRound() {
      const last = (await listAll(documents, roundPrefix)).at(-1)
      return last === undefined ? 1 : Number(last.slice(roundPrefix.length)) + 1
    },
    moves: (channel) => readAll(movePrefix(channel), channelKind),
  }
}

/**
 * Keeps a state of a channel.
 *
 * Call it with a state that was read before replacing it, and with one's own after the swap:
 * then no state is missing, whoever dies in between, and none is there that never was.
 */
export async function recordMove(documents: DocumentStore, state: ChannelState): Promise<void> {
  const key = `${movePrefix(state.channel)}${keyNumber(state.seq)}`
  await documents.create(key, plainJson(state))
}
