import { z } from 'zod'
import { InputError, type PipelineError } from '../errors.ts'
import { type Hint, readHint } from '../stream/hint.ts'

/** Where a record of an event lies. */
export interface RecordPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** When it was stored, ms since 1970. */
  readonly timestamp: number
}

/** A hint, and the record that it came in. */
export interface PlacedHint extends RecordPlace {
  readonly hint: Hint
}

/** A record that holds no hint, and why. */
export interface BadRecord extends RecordPlace {
  readonly error: PipelineError
}

const recordSchema = z.object({
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
  timestamp: z.number(),
  /** Base64; absent for a record that only deletes a key. */
  value: z.string().nullish(),
})
const eventSchema = z.object({ records: z.record(z.string(), z.array(recordSchema)) })

/**
 * The hints in an event of a Kafka event source. One bad record spoils no other one.
 *
 * @throws {@link InputError} if the event itself has another shape.
 */
export function readHints(event: unknown): {
  readonly hints: readonly PlacedHint[]
  readonly bad: readonly BadRecord[]
} {
  const result = eventSchema.safeParse(event)
  if (!result.success) {
    throw new InputError(`kafka event: expected records, got: ${result.error.issues[0]?.message}`)
  }
  const hints: PlacedHint[] = []
  const bad: BadRecord[] = []
  for (const { value, ...place } of Object.values(result.data.records).flat()) {
    // Compaction: the key is gone, and nothing is to be told.
    if (value === undefined || value === null) continue
    try {
      hints.push({ ...place, hint: readHint(Buffer.from(value, 'base64')) })
    } catch (error) {
      bad.push({ ...place, error: error as PipelineError })
    }
  }
  return { hints, bad }
}
