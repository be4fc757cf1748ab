import { type ChannelState, isSameRelease, type Release, releaseOf } from './channel-document.ts'
import { summaryOf } from './gate-report.ts'
import type { Registry } from './registry.ts'
import type { VersionEntry } from './versions.ts'

/** Why a release did not happen. None of them is an error. */
export type VoidReason =
  /** `candidate` names another version by now. */
  | 'superseded'
  /** `stable` no longer names the champion that the gate compared with. */
  | 'champion-changed'
  /** Somebody rolled back; only a promotion lifts that. */
  | 'pinned'
  /** Promotion is manual, and nobody has approved it yet. */
  | 'waits-for-approval'

/** Settings of {@link releaseCandidate}. */
export interface ReleaseOptions {
  /** `auto`: as soon as the rules allow; `manual`: only when the candidate is approved. */
  readonly promotion: 'auto' | 'manual'
  /** Who moves it, and when. The reason is the gate's. */
  readonly by: string
  readonly at: number
  /** The index generation that goes with it; absent without search. */
  readonly generation?: string
  /** The mover's lease number, if it has one. */
  readonly fence?: number
}

/** What became of a release. */
export type Released =
  | { readonly released: true; readonly state: ChannelState }
  | { readonly released: false; readonly why: VoidReason }

/**
 * Moves `stable` to a candidate by itself, unless the rules make that void.
 *
 * Repeating it is harmless: where `stable` names the release already, nothing moves.
 *
 * @param registry - Where the candidate was published.
 * @param entry - The version to release.
 * @param options - See {@link ReleaseOptions}.
 * @throws {@link LeaseLostError} if a later holder of the lease has written the channel.
 */
export async function releaseCandidate(
  registry: Registry,
  entry: VersionEntry,
  options: ReleaseOptions,
): Promise<Released> {
  const { promotion, by, at, generation, fence } = options
  const { gate } = await registry.manifest(entry.manifest)
  const { version, manifest } = entry
  const target = { version, manifest, ...(generation !== undefined && { generation }) }
  const why = gate?.reason ?? 'baseline'
  const move = { by, at, why, ...(gate && { gate: summaryOf(gate) }) }
  for (;;) {
    const stable = await registry.stable.read()
    const candidate = await registry.candidate.read()
    const reason = voidReason(target, { stable, candidate, champion: gate?.champion, promotion })
    if (reason) return { released: false, why: reason }
    const ifSeq = stable?.seq ?? 0
    const lease = fence !== undefined && { fence }
    const moved = await registry.stable.move(target, { move, ifSeq, ...lease })
    if (moved.moved) return { released: true, state: moved.state }
    // Somebody moved it meanwhile: the rules are asked again.
  }
}

/**
 * Gives the version that `stable` names an index generation, without another word: it stays
 * pinned or approved as it is, and rolling back leads where it led before.
 *
 * @param registry - Where the version is.
 * @param release - Version and generation.
 * @param mover - Who moves it, and when.
 * @returns The channel's state; `undefined` if it names another version.
 */
export async function attachGeneration(
  registry: Registry,
  { version, generation }: Required<Pick<Release, 'version' | 'generation'>>,
  { by, at }: Pick<ReleaseOptions, 'by' | 'at'>,
): Promise<ChannelState | undefined> {
  for (;;) {
    const stable = await registry.stable.read()
    if (stable?.version !== version) return undefined
    const { pinned, approved, seq } = stable
    const target = { ...releaseOf(stable), generation }
    const move = { by, at, why: 'its index is complete' }
    const moved = await registry.stable.move(target, { move, ifSeq: seq, pinned, approved })
    if (moved.moved) return moved.state
  }
}

/** What the rules look at. */
interface Situation {
  readonly stable: ChannelState | undefined
  readonly candidate: ChannelState | undefined
  readonly champion: string | undefined
  readonly promotion: 'auto' | 'manual'
}

function voidReason(
  target: Release,
  { stable, candidate, champion, promotion }: Situation,
): VoidReason | undefined {
  if (stable && isSameRelease(stable, target)) return undefined
  if (candidate?.version !== target.version) return 'superseded'
  if (stable?.pinned) return 'pinned'
  if (stable?.version !== champion) return 'champion-changed'
  if (promotion === 'manual' && !candidate.approved) return 'waits-for-approval'
  return undefined
}
