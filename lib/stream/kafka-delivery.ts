import { setTimeout as delay } from 'node:timers/promises'
import type { EachBatchPayload, Batch as KafkaBatch } from 'kafkajs'
import { safeOffset, toBatches } from './kafka-batch.ts'
import type { Controls } from './kafka-controls.ts'
import { type Names, partitionName } from './kafka-names.ts'
import type { Ownership } from './kafka-ownership.ts'

/** What a delivery needs of its surroundings. */
export interface DeliveryContext {
  readonly names: Names
  readonly controls: Controls
  /** What we own now, if anything. */
  readonly current: () => Ownership | undefined
  readonly maxBatchBytes: number
  /** How long a fetch may take, in ms. */
  readonly maxWaitMs: number
  readonly onError: (error: unknown) => void
}

/** The way of records from kafkajs to the subscriber. */
export interface Delivery {
  /** Takes what kafkajs has fetched; resolves once it may fetch again. */
  take(fetched: Pick<EachBatchPayload, 'batch' | 'resolveOffset'>): Promise<void>
  /** Notes that kafkajs passes over what no reader sees: markers, and what was aborted. */
  passOver(topic: string, number: number, lastOffset: string): void
  /** Lets kafkajs fetch what may be delivered, and nothing else. */
  settle(mine: Ownership): void
}

/** What kafkajs does not tell of its batches. */
type FetchedBatch = KafkaBatch & { readonly fetchedOffset: string }

/**
 * Hands on what is fetched of the partitions that we own.
 *
 * A handler that takes longer than a fetch holds up neither the other partitions nor the signs of
 * life: its partition is paused until it is done.
 */
export function kafkaDelivery(context: DeliveryContext): Delivery {
  const { names, controls, current, maxBatchBytes, onError } = context

  function settle(mine: Ownership): void {
    if (mine !== current()) return
    for (const partition of mine.partitions) {
      if (mine.isOpen(partition)) controls.resume(partition)
      else controls.pause(partition)
    }
  }

  async function take({
    batch,
    resolveOffset,
  }: Pick<EachBatchPayload, 'batch' | 'resolveOffset'>): Promise<void> {
    const mine = current()
    const partition = partitionName(names.fromKafka(batch.topic), batch.partition)
    if (!mine?.holds(partition) || !mine.isOpen(partition)) return
    const lane = mine.lane(partition)
    if (Number((batch as FetchedBatch).fetchedOffset) !== lane.next) {
      return controls.seek(partition, lane.next as number) // it was on its way when that was set
    }
    const batches = toBatches(partition, batch, maxBatchBytes)
    // May be a marker that no reader sees. What is not done yet lies in the lane.
    resolveOffset(batch.lastOffset())
    lane.next = safeOffset(partition, batch.lastOffset()) + 1
    const delivery = lane.deliver(batches).catch(onError)
    await Promise.race([delivery, delay(context.maxWaitMs)])
    if (!lane.isBusy()) return
    settle(mine)
    void delivery.then(() => settle(mine))
  }

  return {
    settle,
    take: (fetched) => take(fetched).catch(onError),
    passOver: (topic, number, lastOffset) => {
      const partition = partitionName(names.fromKafka(topic), number)
      const mine = current()
      if (!mine?.holds(partition)) return
      const lane = mine.lane(partition)
      if (lane.next === undefined || lane.isBusy()) return
      lane.next = Math.max(lane.next, Number(lastOffset) + 1)
    },
  }
}
