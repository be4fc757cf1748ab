import { MissingError } from '../errors.ts'
import type { BufferEntry, KnownCluster, LearnerState } from '../learn/state.ts'

/**
 * The living cluster with that identity.
 *
 * @throws {@link MissingError} if there is none; it says what became of one that is gone.
 */
export function findCluster({ clusters }: LearnerState, id: string): KnownCluster {
  const found = clusters?.known.find(({ identity }) => String(identity) === id)
  if (found !== undefined) return found
  const event = clusters?.events.findLast(
    ({ identity, kind }) => String(identity) === id && (kind === 'death' || kind === 'merge'),
  )
  const got = event === undefined ? id : `${id}, gone since round ${event.round} (${event.kind})`
  throw new MissingError(
    `clusters: expected one of the ${clusters?.known.length ?? 0} living clusters, got ${got}`,
  )
}

/** Pictures of the buffer that are in a cluster. */
export function clusterMembers({ buffer }: LearnerState, identity: number): readonly BufferEntry[] {
  return [...buffer.entries.values()].filter((entry) => entry.identity === identity)
}
