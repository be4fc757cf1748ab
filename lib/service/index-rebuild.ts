import { MissingError } from '../errors.ts'
import type { ChannelState } from '../registry/channel-document.ts'
import type { Registry } from '../registry/registry.ts'
import { beginAgain } from '../search/build-generation.ts'
import { type Generation, generationSize } from '../search/generation.ts'
import { attemptOf, generations } from '../search/generations.ts'
import { generationBytes } from './index-list.ts'

/** What another index of the stable version would hold. */
export interface RebuildPlan {
  readonly version: string
  /** The generation whose pictures are embedded again; absent if none serves. */
  readonly served: Generation | undefined
  /** Pictures to embed; new ones come on top, as always. */
  readonly vectors: number
  readonly bytes: number
}

async function stableOf({ stable }: Registry): Promise<ChannelState> {
  const state = await stable.read()
  if (state !== undefined) return state
  throw new MissingError('index: expected a stable version, there is none; `run` makes one')
}

/** @throws {@link MissingError} if no version is stable. */
export async function planRebuild(registry: Registry): Promise<RebuildPlan> {
  const { version, generation } = await stableOf(registry)
  const all = generations(registry.documents)
  const served = generation === undefined ? undefined : await all.read(generation)
  return {
    ...{ version, served },
    vectors: served === undefined ? 0 : generationSize(served),
    bytes: served === undefined ? 0 : generationBytes(served),
  }
}

/**
 * Asks `embed`, wherever it runs, for another index of the stable version: it takes up a generation
 * that is begun, and puts it into service once it has passed its checks. Until then the present one
 * answers.
 *
 * @param at - The time of day, ms since 1970.
 * @returns The generation, and whether it was under way before.
 * @throws {@link MissingError} if no version is stable.
 */
export async function rebuildIndex(
  registry: Registry,
  at: number,
): Promise<{ readonly generation: Generation; readonly isUnderWay: boolean }> {
  const { version, manifest: digest, generation: served } = await stableOf(registry)
  const all = generations(registry.documents)
  const newest = (await all.list(version)).at(-1)
  if (newest?.state === 'building') return { generation: newest, isUnderWay: true }
  const { preprocessing, dim } = await registry.manifest(digest)
  const begun = { version, manifest: digest, preprocessing: preprocessing.hash, dim, at }
  const spent = served === undefined ? 0 : attemptOf({ id: served })
  return { generation: await beginAgain(all, begun, spent), isUnderWay: false }
}
