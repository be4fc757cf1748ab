import { type PartitionAssigner, PartitionAssigners } from 'kafkajs'
import { isWithoutCoordinator } from './kafka-errors.ts'

/**
 * Round robin, with a step before each join of the group.
 *
 * kafkajs calls nobody back when it gives partitions up. Looking for the group's coordinator is how
 * each join begins, and an assigner gets hold of the client that does it.
 *
 * @param beforeJoin - Awaited; what it throws keeps the client out of the group.
 */
export function roundRobinAfter(beforeJoin: () => Promise<void>): PartitionAssigner {
  return (config) => {
    const { cluster } = config
    const find = cluster.findGroupCoordinator.bind(cluster)
    cluster.findGroupCoordinator = async (group) => {
      await beforeJoin()
      try {
        return await find(group)
      } catch (error) {
        // Another time a broker will answer: the consumer must not give up for good.
        if (isWithoutCoordinator(error)) Object.assign(error as object, { retriable: true })
        throw error
      }
    }
    return PartitionAssigners.roundRobin(config)
  }
}
