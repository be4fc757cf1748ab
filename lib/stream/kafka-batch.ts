import type { Batch as KafkaBatch, KafkaMessage } from 'kafkajs'
import { StreamError } from '../errors.ts'
import type { Batch, InRecord, Partition } from './types.ts'

/**
 * What kafkajs fetched of a partition, as batches within a limit.
 *
 * @param maxBytes - Bytes of values in a batch; a larger record is a batch of its own.
 * @throws {@link StreamError} with reason `unsafe-integer` for an offset beyond the safe integers.
 */
export function toBatches(
  partition: Partition,
  { messages, highWatermark }: Pick<KafkaBatch, 'messages' | 'highWatermark'>,
  maxBytes: number,
): Batch[] {
  const high = safeOffset(partition, highWatermark)
  const runs: InRecord[][] = []
  let bytes = 0
  for (const message of messages) {
    const record = toRecord(partition, message)
    bytes += record.value.length
    const run = runs.at(-1)
    if (run && bytes <= maxBytes) {
      run.push(record)
    } else {
      runs.push([record])
      bytes = record.value.length
    }
  }
  return runs.map((records) => ({ partition, records, high }))
}

/** @throws {@link StreamError} with reason `unsafe-integer`. */
export function safeOffset(partition: Partition, offset: string): number {
  const number = Number(offset)
  if (Number.isSafeInteger(number)) return number
  throw new StreamError(`${partition}: expected an offset that is a safe integer, got ${offset}`, {
    reason: 'unsafe-integer',
  })
}

function toRecord(partition: Partition, message: KafkaMessage): InRecord {
  return {
    offset: safeOffset(partition, message.offset),
    timestamp: Number(message.timestamp),
    key: message.key ?? undefined,
    value: message.value ?? new Uint8Array(0),
    headers: headersOf(message),
  }
}

/** Headers as text; of several with one name, the last. */
function headersOf({ headers = {} }: KafkaMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      const last = Array.isArray(value) ? value.at(-1) : value
      return last === undefined ? [] : [[name, last.toString()]]
    }),
  )
}
