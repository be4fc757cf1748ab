import type { RoundEntry } from '../registry/audit.ts'
import type { ChannelState } from '../registry/channel-document.ts'
import type { Manifest } from '../registry/manifest.ts'
import type { Registry } from '../registry/registry.ts'

/** A published version, as lists show it. */
export interface ListedVersion {
  readonly event: 'version'
  readonly version: string
  /** ms since 1970. */
  readonly at: number
  readonly lineage: string
  readonly parent?: string
  readonly verdict: 'promote' | 'hold' | 'reject' | 'baseline'
  readonly reason: string
  readonly isStable: boolean
  readonly isPrevious: boolean
  readonly isCandidate: boolean
  /** Whether it is stable because somebody rolled back to it. */
  readonly isPinned: boolean
}

/** A round that became no version. */
export interface ListedRound {
  readonly event: 'round'
  readonly round: number
  readonly at: number
  readonly lineage: string
  readonly champion?: string
  readonly verdict: 'promote' | 'hold' | 'reject'
  readonly reason: string
}

/** What happened, for lists. */
export type TimelineEntry = ListedVersion | ListedRound

function listedVersion(
  version: string,
  manifest: Manifest,
  stable: ChannelState | undefined,
  candidate: ChannelState | undefined,
): ListedVersion {
  const { at, lineage, parent, gate } = manifest
  const isStable = stable?.version === version
  return {
    event: 'version',
    version,
    at,
    lineage,
    ...(parent !== undefined && { parent }),
    verdict: gate?.verdict ?? 'baseline',
    reason: gate?.reason ?? 'the frozen backbone',
    isStable,
    isPrevious: !isStable && stable?.previous?.version === version,
    isCandidate: candidate?.version === version,
    isPinned: isStable && stable.pinned,
  }
}

function listedRound({ round, at, lineage, gate }: RoundEntry): ListedRound {
  const { champion, verdict, reason } = gate
  const against = champion === undefined ? {} : { champion }
  return { event: 'round', round, at, lineage, ...against, verdict, reason }
}

/** All versions and the rounds that became none, newest first. */
export async function versionList(registry: Registry): Promise<readonly TimelineEntry[]> {
  const stable = await registry.stable.read()
  const candidate = await registry.candidate.read()
  const versions = await Promise.all(
    (await registry.versions.list()).map(async ({ version, manifest }) =>
      listedVersion(version, await registry.manifest(manifest), stable, candidate),
    ),
  )
  const rounds = (await registry.audit.rounds()).filter(({ version }) => version === undefined)
  const all: TimelineEntry[] = [...versions, ...rounds.map(listedRound)]
  return all.sort((a, b) => b.at - a.at)
}
