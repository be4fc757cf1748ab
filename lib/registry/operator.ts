import { ConflictError, MissingError } from '../errors.ts'
import { generations } from '../search/generations.ts'
import type { ChannelState, Release } from './channel-document.ts'
import type { Registry } from './registry.ts'
import { versionNumber } from './version-id.ts'

/** Who asks for a move by hand, and why. */
export interface ByHand {
  /** The person or program. */
  readonly by: string
  /** ms since 1970. */
  readonly at: number
  readonly why: string
  /** The version that `stable` names as far as the asker knows. Default: whatever it names. */
  readonly expects?: string
  /** The index generation that goes with the version. Default: its newest one that is ready. */
  readonly generation?: string
}

/**
 * Moves `stable` to a version that somebody chose, and lifts a pin.
 *
 * @param registry - Where the version is.
 * @param name - As `Versions.resolve` takes it.
 * @param options - See {@link ByHand}.
 * @throws {@link MissingError} if there is no such version, {@link ArtifactError} if it is
 * damaged, {@link ConflictError} if `stable` is not what was expected, or moves meanwhile.
 */
export async function promote(
  registry: Registry,
  name: string,
  options: ByHand,
): Promise<ChannelState> {
  const stable = await expectedStable(registry, options)
  return moveStable(registry, name, options, stable, false)
}

/**
 * Moves `stable` back by one swap and pins it there, so that nothing but {@link promote} moves
 * it on. Needs no lease.
 *
 * @param registry - Where the version is.
 * @param options - `to`: the version; default what `stable` named before, with its generation,
 * as long as that is older: repeated by accident, a rollback does not go forward again.
 * @throws as {@link promote}; {@link MissingError} also if there is nothing to go back to.
 */
export async function rollback(
  registry: Registry,
  options: ByHand & { readonly to?: string },
): Promise<ChannelState> {
  const stable = await expectedStable(registry, options)
  const to = options.to ?? olderRelease(stable).version
  const generation =
    options.generation ?? (options.to === undefined ? stable?.previous?.generation : undefined)
  const byHand = { ...options, ...(generation !== undefined && { generation }) }
  return moveStable(registry, to, byHand, stable, true)
}

/**
 * Asks for a candidate to become stable as soon as it can, where that is left to people.
 *
 * @returns The candidate's state; `undefined` if `candidate` names another version.
 */
export async function approve(
  registry: Registry,
  version: string,
  { by, at, why }: ByHand,
): Promise<ChannelState | undefined> {
  const candidate = await registry.candidate.read()
  if (candidate?.version !== version) return undefined
  const options = { move: { by, at, why }, ifSeq: candidate.seq, approved: true }
  const moved = await registry.candidate.move(candidate, options)
  return moved.moved ? moved.state : undefined
}

async function expectedStable(
  registry: Registry,
  { expects }: ByHand,
): Promise<ChannelState | undefined> {
  const stable = await registry.stable.read()
  if (expects === undefined || expects === stable?.version) return stable
  const there = stable?.version ?? 'nothing'
  throw new ConflictError(`stable: expected it to name ${expects}, it names ${there}`)
}

function olderRelease(stable: ChannelState | undefined): Release {
  const previous = stable?.previous
  if (!stable || !previous) {
    throw new MissingError('rollback: expected a release before the present one, got none')
  }
  if ((versionNumber(previous.version) ?? 0) <= (versionNumber(stable.version) ?? 0))
    return previous
  const message = `rollback: expected the release before ${stable.version} to be older`
  throw new MissingError(`${message}, got ${previous.version}: name the version to go to`)
}

async function moveStable(
  registry: Registry,
  name: string,
  { by, at, why, generation: asked }: ByHand,
  stable: ChannelState | undefined,
  pinned: boolean,
): Promise<ChannelState> {
  const { version, digest, manifestBytes, files } = await registry.loadVersion(name)
  const indexes = generations(registry.documents)
  const present = stable?.version === version ? stable.generation : undefined
  const ready = (await indexes.list(version)).findLast(({ state }) => state === 'ready')
  const generation = asked ?? present ?? ready?.id
  // A collection may be about to take an old version. Putting its bytes again renews their age,
  // so that they are spared; touching its document after the swap spares that.
  const blobs = [manifestBytes, ...Object.values(files)]
  await Promise.all(blobs.map((bytes) => registry.blobs.put('models', bytes)))
  const target = { version, manifest: digest, ...(generation !== undefined && { generation }) }
  const options = { move: { by, at, why }, ifSeq: stable?.seq ?? 0, pinned }
  const moved = await registry.stable.move(target, options)
  if (!moved.moved) {
    const there = moved.current?.version ?? 'nothing'
    throw new ConflictError(`stable: expected it unmoved, somebody moved it to ${there}`)
  }
  await registry.versions.touch(versionNumber(version) ?? 0, digest)
  if (generation !== undefined) await indexes.touch(generation)
  return moved.state
}
