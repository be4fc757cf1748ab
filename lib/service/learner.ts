import { freshCount } from '../learn/buffer.ts'
import { openCheckpoint } from '../learn/checkpoint.ts'
import { driftRatio } from '../learn/drift.ts'
import { namesAny, withoutErased } from '../learn/forget.ts'
import { heldOutPictures } from '../learn/held-out.ts'
import { type Outlets, releaseWithoutIndex, resumePublish } from '../learn/publish.ts'
import type { RoundProgress } from '../learn/round.ts'
import { checkStart, type StartCheck } from '../learn/start-rule.ts'
import type { LearnerStatus, RoundEnded, RoundStatus } from './events.ts'
import { useChampion } from './learner-champion.ts'
import { learnerCheckpoints } from './learner-checkpoints.ts'
import { learnerHistory, settingsHash } from './learner-history.ts'
import { type LearnerIntake, learnerIntake } from './learner-intake.ts'
import type { Counts, LearnerParts, RoundUnderWay } from './learner-memory.ts'
import { learnerRounds } from './learner-rounds.ts'
import { learnerVerdicts } from './learner-verdicts.ts'
import { learnerVersions } from './learner-versions.ts'
import { startOf } from './settings.ts'
import { timeLeft } from './time-left.ts'

/** Figures of a learner for those who measure it, without I/O. */
export interface LearnerFigures {
  /** Of each partition, the first record that no checkpoint has. */
  readonly offsets: Readonly<Record<string, number>>
  /** When the last checkpoint was written, ms since 1970; absent before the first. */
  readonly checkpointAt: number | undefined
  /** Records of the whole history by what became of them. */
  readonly records: Readonly<Record<'applied' | 'duplicate' | 'erased' | 'quarantined', number>>
  /** Pictures of each living cluster. */
  readonly clusterSizes: readonly number[]
}

/** The single writer: takes records in, runs rounds, publishes. */
export interface Learner {
  readonly status: LearnerStatus
  readonly figures: LearnerFigures
  /** Begins to take records in. */
  start(): Promise<void>
  /**
   * Drops pictures that were erased, and takes them in no more. Resolved means that the present
   * checkpoint names none of them, nor the input of a round: one that held any starts anew.
   */
  forget(ids: ReadonlySet<string>): Promise<void>
  /** Whether a round would start now, and what is missing. */
  check(): StartCheck
  /**
   * Runs a round to its end, without pictures that are erased meanwhile; undefined if too little
   * is buffered.
   */
  round(): Promise<RoundEnded | undefined>
  /** Goes on with a publish that a crash interrupted, and forgets what was erased meanwhile. */
  resume(erased: ReadonlySet<string>): Promise<void>
  /** Runs the round again that a crash interrupted; without pictures that were erased meanwhile. */
  finishRound(): Promise<void>
  /** Told by the engine's thread. */
  progress(progress: RoundProgress): void
  /** Records between what is applied and the end of the log. */
  measureLag(): Promise<number>
  checkpoint(): Promise<void>
  /** Stops intake and writes the last checkpoint. */
  stop(): Promise<void>
}

const totalOf = (counts: Counts, outcome: string): number =>
  Object.values(counts).reduce((sum, one) => sum + (one[outcome] ?? 0), 0)

function roundStatus(
  { number, progress, began, limitMs }: RoundUnderWay,
  now: number,
): RoundStatus {
  const { step, steps } = progress
  const secondsLeft = timeLeft({ step, steps, elapsedMs: now - began, limitMs })
  return { number, progress, secondsLeft }
}

/**
 * Loads the learner's state and prepares it to take records in.
 *
 * At the first start of a pipeline it publishes the baseline, which serves until a round does
 * better.
 *
 * @throws {@link ConfigError} if image, backbone or dimension changed under the same lineage.
 * @throws {@link LeaseLostError} if another learner is the single writer.
 */
export async function openLearner(parts: LearnerParts): Promise<Learner> {
  const { pipeline, config, lease, owner, now, onEvent } = parts
  const { stream, registry, blobs, documents } = pipeline
  const log = await stream.identity()
  const { lineage } = config
  const stored = openCheckpoint({ documents, blobs, lineage, fence: lease.fence, log })
  const out: Outlets = { checkpoints: stored, registry, stream, fence: lease.fence, by: owner, now }
  const settings = settingsHash(parts.preprocessing, parts.baseline)
  const { memory, frozen } = await learnerHistory(parts, stored, settings)

  const checkpoints = learnerCheckpoints({
    memory,
    checkpoints: stored,
    lease,
    settings,
    now,
    onWritten: parts.onCheckpoint,
    onKept: (offsets) => intake.reportProgress(offsets),
  })
  const { exclusively, write, keep } = checkpoints
  const intake: LearnerIntake = learnerIntake(parts, memory, exclusively)
  const versions = learnerVersions(parts, memory, checkpoints, out)
  const verdicts = learnerVerdicts({ parts, memory, out, checkpoints, versions })
  const rounds = learnerRounds(parts, memory, checkpoints, verdicts)
  /** Whether a round that was begun must begin again. */
  let isVoid = false
  const forget = async (ids: ReadonlySet<string>): Promise<void> => {
    intake.refuse(ids)
    if (ids.size === 0) return
    await exclusively(async () => {
      const isRoundVoid = rounds.voidIfNames(ids)
      if (!isRoundVoid && !namesAny(memory.state, ids)) return
      memory.state = withoutErased(memory.state, ids)
      await write(isRoundVoid ? { round: undefined } : {})
    })
    await parts.thread.call.forget({ ids: [...ids] })
  }
  const check = () => {
    const { state, lastStart } = memory
    return checkStart(state, startOf(config), { now: now(), lastStart })
  }
  const round = async (): Promise<RoundEnded | undefined> => {
    for (;;) {
      intake.assertAlive()
      if (!check().mayStart) return undefined
      await useChampion(parts, memory)
      const ended = await rounds.begin()
      if (ended !== undefined) return ended
    }
  }

  return {
    get status() {
      intake.assertAlive()
      const { state, counts } = memory
      return {
        applied: state.seen.applied,
        heldOut: heldOutPictures(state.heldOut).length,
        buffered: state.buffer.entries.size,
        fresh: freshCount(state.buffer),
        duplicates: totalOf(counts, 'duplicate'),
        erased: totalOf(counts, 'erased'),
        quarantined: totalOf(counts, 'quarantined'),
        lag: intake.lag,
        rounds: memory.random.rounds,
        stable: memory.champion?.version,
        round: memory.progress && roundStatus(memory.progress, now()),
        driftRatio: driftRatio(state.drift),
      }
    },
    get figures() {
      const { saved, counts, state } = memory
      return {
        offsets: saved?.head.offsets ?? {},
        checkpointAt: saved?.head.at,
        records: {
          applied: totalOf(counts, 'applied'),
          duplicate: totalOf(counts, 'duplicate'),
          erased: totalOf(counts, 'erased'),
          quarantined: totalOf(counts, 'quarantined'),
        },
        clusterSizes: (state.clusters?.known ?? []).map(({ size }) => size),
      }
    },
    resume: async (erased) => {
      if (memory.saved !== undefined) {
        const done = await resumePublish(memory.saved, out)
        if (done !== undefined) keep(done.saved)
        if (parts.releases) await releaseWithoutIndex(out, { promotion: config.release.promotion })
      } else await exclusively(() => write())
      await versions.publishBaseline()
      await useChampion(parts, memory)
      if (memory.state.seen.applied > 0) {
        const { seen, buffer } = memory.state
        onEvent({ event: 'resumed', applied: seen.applied, buffered: buffer.entries.size })
      }
      if (frozen !== undefined && namesAny(frozen, erased)) {
        await exclusively(() => write({ round: undefined }))
        isVoid = true
      }
      await forget(erased)
    },
    finishRound: async () => {
      const begun = memory.saved?.head.round
      if (begun !== undefined && frozen !== undefined) {
        isVoid = (await rounds.run(frozen, begun)) === undefined
      }
      if (isVoid) await round()
    },
    start: intake.start,
    forget,
    check,
    round,
    progress: (progress) => {
      if (memory.progress !== undefined) memory.progress = { ...memory.progress, progress }
    },
    measureLag: intake.measureLag,
    checkpoint: () => exclusively(() => write()),
    stop: async () => {
      await intake.stop()
      await exclusively(() => write())
    },
  }
}
