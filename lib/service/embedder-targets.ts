import { type ChannelState, isSameRelease } from '../registry/channel-document.ts'
import type { Manifest } from '../registry/manifest.ts'
import type { Named, Registry } from '../registry/registry.ts'
import { beginGeneration, failGeneration, usableGeneration } from '../search/build-generation.ts'
import type { Generation } from '../search/generation.ts'
import { attemptOf, type Generations } from '../search/generations.ts'
import type { Digest } from '../store/types.ts'
import { type IndexRequest, requestedIndex } from './index-request.ts'

/** The generations that new pictures go into. */
export interface Targets {
  /** The one that `stable` names. */
  readonly served: Generation | undefined
  /** The one that is to be released next. */
  readonly building: Generation | undefined
}

/** What generations are chosen by. */
export interface Situation {
  readonly stable: ChannelState
  readonly candidate: ChannelState | undefined
  /** The newest attempt at an index of what `stable` names. */
  readonly newest: Generation | undefined
  /** The index that somebody waits for who promotes a version. */
  readonly wished: IndexRequest | undefined
}

/** Reads it; `undefined` as long as no version is published. */
export async function readSituation(
  registry: Registry,
  all: Generations,
): Promise<Situation | undefined> {
  const stable = await registry.stable.read()
  if (stable === undefined) return undefined
  const candidate = await registry.candidate.read()
  const newest = (await all.list(stable.version)).at(-1)
  return { stable, candidate, newest, wished: await requestedIndex(registry.documents) }
}

/** Whether other generations may have to be chosen than before. */
export function hasChanged(before: Situation, now: Situation): boolean {
  return (
    !isSameRelease(before.stable, now.stable) ||
    before.stable.pinned !== now.stable.pinned ||
    before.candidate?.version !== now.candidate?.version ||
    before.newest?.id !== now.newest?.id ||
    before.wished?.version !== now.wished?.version
  )
}

/**
 * Which generations are worked on, by what the channels say; begins what is missing, and gives up
 * what nobody waits for any more.
 *
 * @param manifest - Reads a manifest.
 * @param at - The time of day, ms since 1970.
 */
export async function chooseTargets(
  { stable, candidate, newest, wished }: Situation,
  all: Generations,
  manifest: (digest: Digest) => Promise<Manifest>,
  at: number,
): Promise<Targets> {
  const begin = async (version: Named, spent = 0): Promise<Generation | undefined> => {
    const { dim, preprocessing } = await manifest(version.manifest)
    const begun = { ...namedOf(version), preprocessing: preprocessing.hash, dim, at }
    return beginGeneration(all, begun, spent)
  }
  /** That of what `stable` names; a failed one still takes in what comes. */
  const ofStable = async () => {
    const { generation: id } = stable
    return (await begin(stable, id === undefined ? 0 : attemptOf({ id }))) ?? newest
  }
  /** That of a candidate which may become stable, now or once somebody allows it. */
  const ofCandidate = async () => {
    if (candidate === undefined || candidate.version === stable.version) return undefined
    const { gate } = await manifest(candidate.manifest)
    if (gate?.champion !== stable.version) return undefined
    // Somebody went back from it: it is brought up to date if they go forward again.
    const present = usableGeneration(await all.list(candidate.version))
    return stable.pinned && present?.state === 'ready' ? undefined : begin(candidate)
  }
  /** That of a version that somebody promotes: only until it is ready, they may be gone. */
  const ofWished = async () => {
    if (wished === undefined || wished.version === stable.version) return undefined
    const present = await begin(wished, wished.after)
    return present?.state === 'building' ? present : undefined
  }
  const served = stable.generation === undefined ? undefined : await all.read(stable.generation)
  /** Another one that somebody asked for. */
  const asked = newest?.state === 'building' && newest.id !== served?.id ? newest : undefined
  const first = asked ?? (served === undefined ? await ofStable() : await ofWished())
  const building = first ?? (served === undefined ? undefined : await ofCandidate())
  // What has to wait for something that somebody asked for is not given up.
  const isWish = building?.version === wished?.version
  const waiting = asked !== undefined || isWish ? [candidate?.version, wished?.version] : []
  await giveUp(all, [stable.version, building?.version, ...waiting])
  return { served, building }
}

const namedOf = ({ version, manifest }: Named): Named => ({ version, manifest })

async function giveUp(all: Generations, wanted: readonly (string | undefined)[]): Promise<void> {
  for (const { id, version, state } of await all.list()) {
    if (state !== 'building' || wanted.includes(version)) continue
    await failGeneration(all, id, `nobody waits for it: ${wanted.at(0)} serves`)
  }
}
