import { CompressionTypes, type Message, type Producer } from 'kafkajs'
import { rootCause, streamError } from './kafka-errors.ts'
import type { OutRecord } from './types.ts'

/** What became of records that were handed over together. */
export type Produced =
  | { readonly outcome: 'acked'; readonly firstOffset: number }
  /** The brokers will not take them, whatever we try. */
  | { readonly outcome: 'refused'; readonly reason: string }
  /** They may be taken another time; perhaps they have been. */
  | { readonly outcome: 'failed'; readonly reason: string; readonly mayBeStored: boolean }

/** Stores records in one partition of a topic of the brokers, in order; tries once. */
export type Produce = (
  topic: string,
  partition: number,
  records: readonly OutRecord[],
) => Promise<Produced>

/** Answers of a broker after which records may be stored all the same. */
const doubtful: ReadonlySet<string | undefined> = new Set([
  'UNKNOWN',
  'REQUEST_TIMED_OUT',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'KAFKA_STORAGE_ERROR',
])

/** Errors from before anything was sent. */
const unsent: ReadonlySet<string | undefined> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'KafkaJSBrokerNotFound',
  'KafkaJSMetadataNotLoaded',
  'KafkaJSTopicMetadataNotLoaded',
  'KafkaJSLockTimeout',
])

/** Compressing less is more bytes, not fewer. */
const minCompressedBytes = 1_024

/**
 * Sends through kafkajs, acknowledged by all replicas in sync.
 *
 * Not idempotent: after an error that mode acks records that it never stored. One partition a call.
 *
 * @param producer - Connects if it is not, and resolves to the client.
 */
export function kafkaProduce(producer: () => Promise<Producer>): Produce {
  return async (topic, partition, records) => {
    try {
      const answers = await (await producer()).send({
        topic,
        acks: -1,
        compression: compressionOf(records),
        messages: records.map((record) => toMessage(record, partition)),
      })
      // Without a leader kafkajs sends nothing and answers nothing.
      const offset = answers.find((answer) => answer.partition === partition)?.baseOffset
      if (offset !== undefined && Number(offset) >= 0) {
        return { outcome: 'acked', firstOffset: Number(offset) }
      }
      return { outcome: 'failed', reason: 'no-leader', mayBeStored: false }
    } catch (error) {
      return fault(error)
    }
  }
}

/** What an error of a call says about its records. */
function fault(error: unknown): Produced {
  const { name, type, code, retriable } = rootCause(error)
  const reason = streamError('send', error).reason ?? 'other'
  const isFinal = name?.includes('SASL') || (type !== undefined && retriable === false)
  if (isFinal && !doubtful.has(type)) return { outcome: 'refused', reason }
  const isKnownUnsent = unsent.has(name) || unsent.has(String(code))
  const mayBeStored = type === undefined ? !isKnownUnsent : doubtful.has(type)
  return { outcome: 'failed', reason, mayBeStored }
}

function toMessage({ key, value, headers }: OutRecord, partition: number): Message {
  return {
    partition,
    key: key ? Buffer.from(key.buffer, key.byteOffset, key.length) : null,
    value: Buffer.from(value.buffer, value.byteOffset, value.length),
    ...(headers && { headers }),
  }
}

/** Gzip for envelopes and other JSON; pictures and vectors do not get smaller. */
function compressionOf(records: readonly OutRecord[]): CompressionTypes {
  const bytes = records.reduce((sum, { value }) => sum + value.length, 0)
  const isText = records.every(({ value }) => value[0] === 0x7b)
  return isText && bytes >= minCompressedBytes ? CompressionTypes.GZIP : CompressionTypes.None
}
