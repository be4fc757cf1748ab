import type { Consumer } from 'kafkajs'
import { type Names, partitionParts } from './kafka-names.ts'
import type { Partition } from './types.ts'

/** What we tell a consumer of kafkajs about partitions, by our names. */
export interface Controls {
  pause(partition: Partition): void
  resume(partition: Partition): void
  /** Where the next fetch begins. */
  seek(partition: Partition, offset: number): void
  commit(positions: ReadonlyMap<Partition, number>): Promise<void>
}

/**
 * Controls of a consumer. Between a crash and the next join it has no group: then nothing is
 * fetched, and there is nothing to pause.
 */
export function kafkaControls(consumer: Consumer, names: Names): Controls {
  const place = (partition: Partition) => {
    const { topic, number } = partitionParts(partition)
    return { topic: names.toKafka(topic), partition: number }
  }
  const chosen = (one: Partition) => {
    const { topic, partition } = place(one)
    return [{ topic, partitions: [partition] }]
  }
  const inGroup = (work: () => void) => {
    try {
      work()
    } catch {
      // "Consumer group was not initialized"
    }
  }
  return {
    pause: (partition) => inGroup(() => consumer.pause(chosen(partition))),
    resume: (partition) => inGroup(() => consumer.resume(chosen(partition))),
    seek: (partition, offset) =>
      inGroup(() => consumer.seek({ ...place(partition), offset: `${offset}` })),
    commit: (positions) =>
      consumer.commitOffsets(
        [...positions].map(([partition, offset]) => ({
          ...place(partition),
          offset: `${offset}`,
        })),
      ),
  }
}
