import type { ChannelState } from '../registry/channel-document.ts'
import type { Manifest } from '../registry/manifest.ts'
import type { Named } from '../registry/registry.ts'
import { beginGeneration, failGeneration, usableGeneration } from '../search/build-generation.ts'
import type { Generation } from '../search/generation.ts'
import type { Generations } from '../search/generations.ts'
import type { Digest } from '../store/types.ts'

/** The generations that new pictures go into. */
export interface Targets {
  /** The one that `stable` names. */
  readonly served: Generation | undefined
  /** The one that is to be released next. */
  readonly building: Generation | undefined
}

/** What `stable` and `candidate` name. */
export interface Channels {
  readonly stable: ChannelState
  readonly candidate: ChannelState | undefined
}

/**
 * Which generations are worked on, by what the channels say; begins what is missing, and gives up
 * what nobody waits for any more.
 *
 * @param manifest - Reads a manifest.
 * @param at - The time of day, ms since 1970.
 */
export async function chooseTargets(
  { stable, candidate }: Channels,
  all: Generations,
  manifest: (digest: Digest) => Promise<Manifest>,
  at: number,
): Promise<Targets> {
  const begin = async (version: Named): Promise<Generation | undefined> => {
    const { dim, preprocessing } = await manifest(version.manifest)
    return beginGeneration(all, { ...namedOf(version), preprocessing: preprocessing.hash, dim, at })
  }
  /** That of what `stable` names; a failed one still takes in what comes. */
  const ofStable = async () => (await begin(stable)) ?? (await all.list(stable.version)).at(-1)
  /** That of a candidate which may become stable, now or once somebody allows it. */
  const ofCandidate = async () => {
    if (candidate === undefined || candidate.version === stable.version) return undefined
    const { gate } = await manifest(candidate.manifest)
    if (gate?.champion !== stable.version) return undefined
    // Somebody went back from it: it is brought up to date if they go forward again.
    const present = usableGeneration(await all.list(candidate.version))
    return stable.pinned && present?.state === 'ready' ? undefined : begin(candidate)
  }
  const served = stable.generation === undefined ? undefined : await all.read(stable.generation)
  const building = await (served === undefined ? ofStable() : ofCandidate())
  await giveUp(all, [stable.version, building?.version])
  return { served, building }
}

const namedOf = ({ version, manifest }: Named): Named => ({ version, manifest })

async function giveUp(all: Generations, wanted: readonly (string | undefined)[]): Promise<void> {
  for (const { id, version, state } of await all.list()) {
    if (state !== 'building' || wanted.includes(version)) continue
    await failGeneration(all, id, `nobody waits for it: ${wanted.at(0)} serves`)
  }
}
