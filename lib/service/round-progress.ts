import { z } from 'zod'
import { RegistryError } from '../errors.ts'
import type { RoundProgress } from '../learn/round.ts'
import { plainJson } from '../registry/canonical.ts'
import {
  countSchema,
  type DocumentKind,
  readDocument,
  readFound,
  writeOver,
} from '../registry/document.ts'
import type { DocumentStore } from '../store/types.ts'

/** Where the round under way stands, for those who watch from other processes. */
export interface RoundProgressView {
  readonly round: number
  readonly phase: string
  readonly step: number
  readonly steps: number
  /** Mean loss and share of pairs that teach something; absent while nothing is trained. */
  readonly loss?: number
  readonly valid?: number
  /** Of its training, at the pace so far. */
  readonly secondsLeft?: number
  /** When the learner said so, ms since 1970. */
  readonly at: number
}

interface ProgressDocument {
  readonly format: 1
  /** Absent between rounds. */
  readonly underWay?: RoundProgressView
}

const kind: DocumentKind<ProgressDocument> = {
  format: 1,
  error: RegistryError,
  schema: z.strictObject({
    format: z.literal(1),
    underWay: z
      .strictObject({
        round: countSchema,
        phase: z.string(),
        step: countSchema,
        steps: countSchema,
        loss: z.number().exactOptional(),
        valid: z.number().exactOptional(),
        secondsLeft: z.number().exactOptional(),
        at: countSchema,
      })
      .exactOptional(),
  }),
}

const keyOf = (lineage: string): string => `progress/${lineage}`
/** A learner that has not spoken for so long is not at it any more. */
const staleAfterMs = 120_000

/**
 * The round under way, as its learner last said.
 *
 * @param now - ms since 1970.
 */
export async function roundUnderWay(
  documents: DocumentStore,
  lineage: string,
  now: number,
): Promise<RoundProgressView | undefined> {
  const found = await readFound(documents, keyOf(lineage))
  const { underWay } = found ? readDocument(keyOf(lineage), found.value, kind) : {}
  return underWay === undefined || now - underWay.at > staleAfterMs ? undefined : underWay
}

/** A round as its learner knows it. */
interface Round {
  readonly number: number
  readonly progress: RoundProgress
  readonly secondsLeft: number | undefined
}

function viewOf({ number, progress, secondsLeft }: Round, at: number): RoundProgressView {
  const { phase, step, steps } = progress
  const isTrained = 'loss' in progress && step > 0
  return {
    ...{ round: number, phase, step, steps, at },
    ...(isTrained && { loss: progress.loss, valid: progress.valid }),
    ...(secondsLeft !== undefined && { secondsLeft }),
  }
}

/** What a learner's progress is told of. */
export interface ProgressTellerParts {
  readonly documents: DocumentStore
  readonly lineage: string
  readonly learner: { readonly status: { readonly round: Round | undefined } }
  /** ms since 1970. */
  readonly now: () => number
}

/**
 * Tells where the round under way stands, and once that there is none any more.
 *
 * @returns Writes it, if there is anything to tell.
 */
export function progressTeller(parts: ProgressTellerParts): () => Promise<void> {
  const { documents, lineage, learner, now } = parts
  const key = keyOf(lineage)
  let isTold = true // a learner that was killed may have left a round behind
  return async () => {
    const { round } = learner.status
    if (round === undefined && !isTold) return
    const underWay = round && viewOf(round, now())
    const value = plainJson({ format: 1, ...(underWay && { underWay }) })
    const found = await readFound(documents, key)
    // Whoever else writes here is the learner that took over.
    await writeOver(documents, key, value, found)
    isTold = round !== undefined
  }
}

/**
 * {@link progressTeller}, over and over.
 *
 * @returns Ends it.
 */
export function tellProgress(
  parts: ProgressTellerParts & { readonly everyMs: number },
): () => Promise<void> {
  const tell = progressTeller(parts)
  // What could not be written is written with the next one.
  const telling = setInterval(() => void tell().catch(() => undefined), parts.everyMs)
  return async () => clearInterval(telling)
}
