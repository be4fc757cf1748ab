import { z } from 'zod'
import { RegistryError } from '../errors.ts'
import { plainJson } from '../registry/canonical.ts'
import {
  countSchema,
  type DocumentKind,
  readDocument,
  readFound,
  writeOver,
} from '../registry/document.ts'
import type { DocumentStore } from '../store/types.ts'

/** Who asks for something, when, and why. */
export interface Asked {
  readonly by: string
  /** ms since 1970. */
  readonly at: number
  readonly why: string
}

/** A wish for a round, which the learner polls. */
export interface RoundRequest extends Asked {
  readonly format: 1
  /** Number of the wish, rising: the learner remembers the last one it followed. */
  readonly seq: number
}

const roundKey = 'requests/round'
const roundKind: DocumentKind<RoundRequest> = {
  format: 1,
  error: RegistryError,
  schema: z.strictObject({
    format: z.literal(1),
    seq: countSchema,
    by: z.string().min(1),
    at: countSchema,
    why: z.string(),
  }),
}

/** Asks the learner for a round, wherever it runs. */
export async function requestRound(
  documents: DocumentStore,
  { by, at, why }: Asked,
): Promise<RoundRequest> {
  for (;;) {
    const found = await readFound(documents, roundKey)
    const last = found === undefined ? 0 : readDocument(roundKey, found.value, roundKind).seq
    const request: RoundRequest = { format: 1, seq: last + 1, by, at, why }
    const write = await writeOver(documents, roundKey, { ...request }, found)
    if (write.ok) return request
  }
}

/** What became of the last wish that the learner followed. */
export interface RoundAnswer {
  readonly format: 1
  /** Number of the wish. */
  readonly seq: number
  /** Of the round that it led to; absent if there was too little to learn from. */
  readonly verdict?: string | undefined
  readonly reason: string
}

const answerKey = 'requests/round-answer'
const answerKind: DocumentKind<RoundAnswer> = {
  format: 1,
  error: RegistryError,
  schema: z.strictObject({
    format: z.literal(1),
    seq: countSchema,
    verdict: z.string().exactOptional(),
    reason: z.string(),
  }),
}

/** The last answer to a wish for a round. */
export async function roundAnswer(documents: DocumentStore): Promise<RoundAnswer | undefined> {
  const found = await readFound(documents, answerKey)
  return found && readDocument(answerKey, found.value, answerKind)
}

/** The last wish for a round, if no answer was written to it. */
export async function openRoundRequest(
  documents: DocumentStore,
): Promise<RoundRequest | undefined> {
  const found = await readFound(documents, roundKey)
  if (found === undefined) return undefined
  const last = readDocument(roundKey, found.value, roundKind)
  return last.seq > ((await roundAnswer(documents))?.seq ?? 0) ? last : undefined
}

/**
 * Answers a wish for a round, and with it all before it. Killed before, the learner follows the
 * wish once more, and finds nothing new to learn.
 */
export async function answerRound(
  documents: DocumentStore,
  answer: Omit<RoundAnswer, 'format'>,
): Promise<void> {
  const value = plainJson({ format: 1, ...answer })
  for (;;) {
    const found = await readFound(documents, answerKey)
    const write = await writeOver(documents, answerKey, value, found)
    if (write.ok) return
  }
}
