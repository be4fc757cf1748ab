import { matchRound, mergeRound, type RoundMatch } from '../learn/merge-round.ts'
import { type Outlets, releaseWithoutIndex } from '../learn/publish.ts'
import type { RoundResult } from '../learn/round-result.ts'
import type { DriftState, LearnerState } from '../learn/state.ts'
import type { RoundInput as FrozenRound } from '../registry/checkpoint-head.ts'
import { digestOf } from '../registry/digest.ts'
import type { GateReport } from '../registry/gate-report.ts'
import { manifestBytes } from '../registry/manifest.ts'
import type { VersionFiles } from '../registry/version-files.ts'
import { useChampion } from './learner-champion.ts'
import type { LearnerCheckpoints } from './learner-checkpoints.ts'
import type { LearnerMemory, LearnerParts } from './learner-memory.ts'
import { type LearnerVersions, plain } from './learner-versions.ts'
import { centroidsFile, floatBytes, meanFile } from './version-model.ts'

type Judged = Extract<RoundResult, { readonly outcome: 'judged' }>
type Unjudged = Exclude<RoundResult, Judged>

/** A round that has ended: what it began with, and what it came to. */
export interface EndedRound<Result> {
  readonly round: FrozenRound
  /** The state that it began with. */
  readonly frozen: LearnerState
  /** Image ids of its pictures, in order. */
  readonly ids: readonly string[]
  readonly result: Result
}

/** What a verdict led to. */
export interface Concluded {
  readonly version: string | undefined
  /** Share of pictures whose cluster has another identity now. */
  readonly churn: number
}

/** What becomes of rounds: state, versions, audit. */
export interface LearnerVerdicts {
  /** Publishes the candidate of a judged round, or keeps the verdict alone. */
  conclude(ended: EndedRound<Judged>, drift: DriftState | undefined): Promise<Concluded>
  /** Keeps why a round left no candidate. */
  dismiss(ended: EndedRound<Unjudged>): Promise<void>
}

/** What {@link learnerVerdicts} works on. */
export interface VerdictsContext {
  readonly parts: LearnerParts
  readonly memory: LearnerMemory
  readonly out: Outlets
  readonly checkpoints: LearnerCheckpoints
  readonly versions: LearnerVersions
}

/** Verdicts over the learner's memory. */
export function learnerVerdicts(context: VerdictsContext): LearnerVerdicts {
  const { parts, memory, out, checkpoints, versions } = context
  const { pipeline, config, now, onEvent } = parts
  const { registry } = pipeline
  const { exclusively, write } = checkpoints

  /**
   * Keeps a round that became no version; `publish` keeps the others. Before the checkpoint that
   * ends the round: killed in between it is repeated, and its first entry stays.
   */
  const record = (round: number, gate: GateReport) =>
    registry.audit.recordRound({
      format: 1,
      lineage: config.lineage,
      round,
      at: now(),
      fence: out.fence,
      gate,
    })

  const gateOf = ({ verdict, watched }: Judged, { churn, nmi }: RoundMatch): GateReport => ({
    verdict: verdict.verdict,
    reason: verdict.reason,
    champion: memory.champion.version,
    details: plain({
      comparisons: verdict.comparisons,
      figures: verdict.figures,
      watched: { ...watched.figures, churn, nmi },
    }),
  })

  /** The version that a promoted candidate becomes. */
  const versionOf = async (
    { candidate, report, watched }: Judged,
    gate: GateReport,
    round: FrozenRound,
  ) => {
    const files: VersionFiles = {
      ...candidate.files,
      [meanFile]: floatBytes(candidate.mean),
      [centroidsFile]: floatBytes(candidate.centroids.data),
    }
    const { rows, dim } = candidate.centroids
    const head = memory.saved?.head
    const manifest = versions.manifestOf(
      files,
      {
        dim: candidate.dim,
        centred: true,
        parent: memory.champion.version,
        input: digestOf(new TextEncoder().encode(JSON.stringify(round.parts))),
        centroids: { rows, dim, file: centroidsFile },
        ...(watched.calibration && { calibration: plain(watched.calibration) }),
        training: plain(report),
        round: round.number,
        gate,
        offsets: { ...head?.offsets },
      },
      await versions.nextNumber(),
    )
    return { manifest, files }
  }

  return {
    conclude: async ({ result, frozen, round, ids }, drift) => {
      const match = matchRound(frozen, result, ids)
      const gate = gateOf(result, match)
      const promoted = gate.verdict === 'promote' ? await versionOf(result, gate, round) : undefined
      if (promoted === undefined) await record(round.number, gate)
      const digest = promoted ? digestOf(manifestBytes(promoted.manifest)) : 'none'
      const version = await exclusively(async () => {
        const merged = mergeRound(frozen, memory.state, result, ids, digest, match)
        memory.state = { ...merged.state, drift }
        if (promoted) return versions.publishNow(promoted)
        await write({ round: undefined })
        return undefined
      })
      if (version !== undefined) {
        const released = parts.releases
          ? await releaseWithoutIndex(out, { promotion: config.release.promotion })
          : undefined
        if (released?.released === false)
          onEvent({ event: 'not-released', version, why: released.why })
        await useChampion(parts, memory)
      }
      return { version, churn: match.churn }
    },

    dismiss: async ({ result, frozen, round }) => {
      const { reason } = result
      await record(round.number, { verdict: 'hold', reason, champion: memory.champion.version })
      await exclusively(async () => {
        const buffer = { ...memory.state.buffer, freshFrom: frozen.buffer.arrivals }
        memory.state = { ...memory.state, buffer }
        await write({ round: undefined })
      })
    },
  }
}
