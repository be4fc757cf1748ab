import type { ChannelState } from '../registry/channel-document.ts'
import { type ByHand, promote, rollback } from '../registry/operator.ts'
import type { Registry } from '../registry/registry.ts'
import { generations } from '../search/generations.ts'

/** The newest index of a version that is complete; none where nobody builds any. */
async function readyGeneration(
  { versions, documents }: Registry,
  name: string,
): Promise<{ readonly generation?: string }> {
  const entry = await versions.resolve(name)
  const attempts = entry === undefined ? [] : await generations(documents).list(entry.version)
  const ready = attempts.findLast(({ state }) => state === 'ready')
  return ready === undefined ? {} : { generation: ready.id }
}

/**
 * `promote` of a version with the index that was made for it, in one move. One that has none yet
 * answers searches once `embed` has made it.
 *
 * @throws as `promote`.
 */
export async function promoteRelease(
  registry: Registry,
  name: string,
  byHand: ByHand,
): Promise<ChannelState> {
  return promote(registry, name, { ...byHand, ...(await readyGeneration(registry, name)) })
}

/**
 * `rollback` to a release, model and index in one move.
 *
 * @throws as `rollback`.
 */
export async function rollbackRelease(
  registry: Registry,
  byHand: ByHand & { readonly to?: string },
): Promise<ChannelState> {
  const index = byHand.to === undefined ? {} : await readyGeneration(registry, byHand.to)
  return rollback(registry, { ...byHand, ...index })
}
