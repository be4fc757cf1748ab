import type { Ask } from './kafka-ask.ts'
import { safeOffset } from './kafka-batch.ts'
import { type Names, partitionName, partitionParts } from './kafka-names.ts'
import type { Topics } from './kafka-topics.ts'
import type { Partition, Watermark } from './types.ts'

/** What the brokers know of partitions and of a group's positions in them. */
export interface Positions {
  marks(partitions: readonly Partition[]): Promise<readonly Watermark[]>
  /** Only of partitions for which the group has committed one. */
  committed(partitions: readonly Partition[]): Promise<ReadonlyMap<Partition, number>>
}

/** The positions of a group. */
export function kafkaPositions(
  ask: Ask,
  topics: Pick<Topics, 'watermarks'>,
  names: Names,
  group: string,
): Positions {
  return {
    marks: async (partitions) => {
      const marks = await Promise.all(topicsOf(partitions).map((one) => topics.watermarks(one)))
      return marks.flat().filter(({ partition }) => partitions.includes(partition))
    },
    committed: async (partitions) => {
      const wanted = topicsOf(partitions).map(names.toKafka)
      const found = await ask((admin) => admin.fetchOffsets({ groupId: group, topics: wanted }))
      const committed = found.flatMap(({ topic, partitions: of }) =>
        of.map(({ partition: number, offset }) => {
          const partition = partitionName(names.fromKafka(topic), number)
          return [partition, safeOffset(partition, offset)] as const
        }),
      )
      // Below zero are no offsets: nothing was committed.
      return new Map(committed.filter(([, offset]) => offset >= 0))
    },
  }
}

function topicsOf(partitions: readonly Partition[]): string[] {
  return [...new Set(partitions.map((partition) => partitionParts(partition).topic))]
}
