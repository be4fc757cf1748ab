import type { StreamError } from '../errors.ts'
import { topicNames } from '../stream/topics.ts'
import type { Consumption, StreamPort } from '../stream/types.ts'

/** What to do about hints. */
export interface HintOptions {
  /** Consumer group of this reader alone. */
  readonly group: string
  /** A channel has moved, perhaps one of another pipeline. */
  readonly onHint: () => void
  readonly onFatal: (error: StreamError) => void
}

const maxBatchBytes = 64 << 10

/**
 * Listens to what is said of moved channels, from now on.
 *
 * What a hint says is not read: whoever hears one looks at the channel itself.
 */
export async function followHints(
  stream: StreamPort,
  { group, onHint, onFatal }: HintOptions,
): Promise<Pick<Consumption, 'stop'>> {
  const consumption = await stream.subscribe({
    topics: [topicNames.published],
    group,
    maxBatchBytes,
    onAssign: async (partitions) => new Map(partitions.map((one) => [one, 'latest'] as const)),
    onRevoke: async () => undefined,
    onBatch: async ({ partition, records }) => {
      onHint()
      consumption.reportProgress(partition, (records.at(-1)?.offset ?? -1) + 1)
    },
    onFatal,
  })
  return consumption
}
