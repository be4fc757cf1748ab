import type { ChannelState } from '../registry/channel-document.ts'
import { type ByHand, promote, rollback } from '../registry/operator.ts'
import type { Registry } from '../registry/registry.ts'
import { awaitIndex, type IndexWait, readyIndex } from './await-index.ts'

/**
 * `promote` of a version with the index that was made for it, in one move.
 *
 * Waits for the index where what serves has one: a move without it would end all searches. Where
 * nobody searches yet it moves at once.
 *
 * @throws as `promote`, and as {@link awaitIndex}.
 */
export async function promoteRelease(
  registry: Registry,
  name: string,
  byHand: ByHand,
  wait: IndexWait = {},
): Promise<ChannelState> {
  const stable = await registry.stable.read()
  const entry = await registry.versions.resolve(name)
  // Whoever expects another one than is there, or no version at all, need not wait to hear it.
  const isExpected = byHand.expects === undefined || byHand.expects === stable?.version
  const isOther = entry !== undefined && entry.version !== stable?.version
  if (stable?.generation === undefined || !isExpected || !isOther) {
    return promote(registry, name, byHand)
  }
  const generation = await awaitIndex(registry, entry, wait)
  const now = await registry.stable.read()
  // Moved meanwhile: `embed` may have released it, which is what was asked for.
  const expects = now?.version === entry.version ? entry.version : stable.version
  return promote(registry, entry.version, { ...byHand, generation, expects })
}

/**
 * `rollback` to a release, model and index in one move. Waits for nothing: whoever goes back is
 * in a hurry, and one that has no index any more answers searches once `embed` has made it.
 *
 * @throws as `rollback`.
 */
export async function rollbackRelease(
  registry: Registry,
  byHand: ByHand & { readonly to?: string },
): Promise<ChannelState> {
  const generation = byHand.to === undefined ? undefined : await readyIndex(registry, byHand.to)
  return rollback(registry, { ...byHand, ...(generation !== undefined && { generation }) })
}
