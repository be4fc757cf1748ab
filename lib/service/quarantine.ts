import { PipelineError, StreamError } from '../errors.ts'
import { type QuarantineRecord, writeQuarantine } from '../stream/quarantine-record.ts'
import type { StreamPort } from '../stream/types.ts'
import { programVersion } from './program-version.ts'

/** Where a record, or what should have become one, was found. */
export interface Origin {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** ms since 1970. */
  readonly timestamp: number
  /** What names the picture. */
  readonly envelope?: Readonly<Record<string, unknown>>
  /** Earlier tries, and when the first was. */
  readonly attempts?: number
  readonly firstSeen?: string
}

/** Sets records aside with their reason. */
export interface Quarantine {
  /** Resolves once the entry is durable: only then the record counts as done with. */
  add(origin: Origin, error: PipelineError): Promise<void>
}

/** Whether an error says something of the data, and not of the machine. */
export function isDataError(error: unknown): error is PipelineError {
  const codes: readonly string[] = ['INPUT', 'IMAGE_SIZE', 'IMAGE_TYPE', 'IMAGE_DECODE', 'MISSING']
  return error instanceof PipelineError && !error.retryable && codes.includes(error.code)
}

const sendDeadlineMs = 30_000

/**
 * The quarantine of a role.
 *
 * @param topic - Topic of records set aside.
 * @param now - The time of day, ms since 1970.
 */
export function quarantine(
  stream: StreamPort,
  topic: string,
  role: string,
  now: () => number,
): Quarantine {
  return {
    add: async (origin, error) => {
      const seen = new Date(now()).toISOString()
      const record: QuarantineRecord = {
        v: 1,
        topic: origin.topic,
        partition: origin.partition,
        offset: origin.offset,
        timestamp: origin.timestamp,
        role,
        code: error.code,
        message: error.message,
        attempts: (origin.attempts ?? 0) + 1,
        firstSeen: origin.firstSeen ?? seen,
        lastSeen: seen,
        programVersion,
        ...(origin.envelope && { envelope: origin.envelope }),
      }
      const out = { value: writeQuarantine(record) }
      const [result] = await stream.send(topic, [out], { deadlineMs: sendDeadlineMs })
      if (result?.outcome === 'acked') return
      const got = result?.reason ?? 'no answer'
      throw new StreamError(`quarantine: expected ${topic} to take a record, got ${got}`, {
        retryable: true,
      })
    },
  }
}
