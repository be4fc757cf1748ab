import { ROOT_CONTEXT } from '@opentelemetry/api'
import { randomStream } from '../engine/random.ts'
import { watchDrift } from '../learn/drift.ts'
import { namesAny, withoutPictures } from '../learn/forget.ts'
import { heldOutPictures } from '../learn/held-out.ts'
import type { LearnerState } from '../learn/state.ts'
import type { RoundInput as FrozenRound } from '../registry/checkpoint-head.ts'
import type { RoundEnded } from './events.ts'
import type { LearnerCheckpoints } from './learner-checkpoints.ts'
import type { LearnerMemory, LearnerParts } from './learner-memory.ts'
import type { LearnerVerdicts } from './learner-verdicts.ts'
import { roundInput } from './round-input.ts'
import { traced } from './tracing.ts'

/** Rounds of a learner, each from a frozen input. */
export interface LearnerRounds {
  /** Freezes the state and runs a round on it; `undefined` if it was made void. */
  begin(): Promise<RoundEnded | undefined>
  /** Runs, or repeats, the round that a checkpoint froze; `undefined` if it was made void. */
  run(frozen: LearnerState, round: FrozenRound): Promise<RoundEnded | undefined>
  /**
   * Makes the round under way void if its input names any of these pictures: nothing comes of it.
   *
   * @returns Whether it does: then its frozen input must not stay in the checkpoint.
   */
  voidIfNames(ids: ReadonlySet<string>): boolean
}

/** The round under way. */
interface Current {
  readonly frozen: LearnerState
  isVoid: boolean
}

/** Rounds over the learner's memory. */
export function learnerRounds(
  parts: LearnerParts,
  memory: LearnerMemory,
  { exclusively, write }: LearnerCheckpoints,
  verdicts: LearnerVerdicts,
): LearnerRounds {
  const { pipeline, config, thread, now, onEvent } = parts
  const { registry } = pipeline
  let current: Current | undefined

  /** Pictures of buffer and probes whose bytes can no longer be had. */
  const goneIds = async (): Promise<ReadonlySet<string>> => {
    const { buffer, heldOut } = memory.state
    const known = [...buffer.entries.keys(), ...heldOutPictures(heldOut).map(({ id }) => id)]
    return new Set(await thread.call.ensure({ ids: known }))
  }

  /** A drift watch over what the round has just seen. */
  const driftOf = async (ids: readonly string[], k: number, seed: number) => {
    if (!config.learn.start.onDrift) return undefined
    const { centroids, mean, surprises } = await thread.call.reference({ ids, k, seed })
    return watchDrift({ centroids, mean }, surprises, seed)
  }

  const run = async (frozen: LearnerState, round: FrozenRound): Promise<RoundEnded | undefined> => {
    const mine: Current = { frozen, isVoid: false }
    current = mine
    const input = roundInput(parts, memory.champion, frozen, round)
    const ids = input.pictures.map(({ id }) => id)
    const k = input.settings.k ?? 0
    const fresh = input.pictures.filter(({ isFresh }) => isFresh).length
    memory.progress = {
      number: round.number,
      began: now(),
      limitMs: input.settings.maxRoundTimeMs,
      progress: { phase: 'embed', step: 0, steps: input.settings.steps, loss: 0, valid: 0 },
    }
    onEvent({ event: 'round-began', round: round.number, pictures: ids.length, fresh, k })
    try {
      const attributes = { 'contrastream.round': round.number, 'contrastream.pictures': ids.length }
      const result = await traced('round', { attributes }, ROOT_CONTEXT, () =>
        untilVoid(mine, thread.call.round({ input })),
      )
      if (result === undefined) return undefined
      const { training } = result.outcome === 'judged' ? result.report : result
      const { steps, seconds, ended, loss, valid, skipped } = training
      const told = {
        ...{ event: 'round' as const, round: round.number, pictures: ids.length, fresh, k },
        ...{ steps, seconds, ended, loss, valid, skipped },
      }
      const came = { round, frozen, ids }
      let event: RoundEnded
      if (result.outcome === 'judged') {
        const { verdict, reason, needsPictures, comparisons, figures } = result.verdict
        const { effectiveRank } = figures
        const drift = await driftOf(ids, result.report.k, round.seed)
        const concluded = await verdicts.conclude({ ...came, result }, drift)
        const said = { verdict, reason, needsPictures, comparisons, effectiveRank }
        event = { ...told, ...said, ...concluded }
      } else {
        const { outcome, reason } = result
        await verdicts.dismiss({ ...came, result })
        const nothing = {
          ...{ version: undefined, churn: 0, needsPictures: undefined, comparisons: {} },
          effectiveRank: undefined,
        }
        event = { ...told, verdict: outcome, reason, ...nothing }
      }
      onEvent(event)
      return event
    } finally {
      current = undefined
      memory.progress = undefined
    }
  }

  const begin = async (): Promise<RoundEnded | undefined> => {
    const gone = await goneIds()
    const begun = await exclusively(async () => {
      if (gone.size > 0) memory.state = withoutPictures(memory.state, gone)
      const number = Math.max(await registry.audit.nextRound(), memory.random.rounds + 1)
      memory.random.rounds = number
      memory.lastStart = now()
      await write()
      const round: FrozenRound = {
        number,
        seed: randomStream(config.seed, 'round', number).integer(2 ** 31),
        champion: memory.champion.version,
        parts: memory.saved?.head.parts ?? {},
      }
      await write({ round })
      return { frozen: memory.state, round }
    })
    return run(begun.frozen, begun.round)
  }

  return {
    begin,
    run,
    voidIfNames: (ids) => {
      if (current === undefined || !namesAny(current.frozen, ids)) return false
      current.isVoid = true
      void thread.call.abort(undefined).catch(() => undefined)
      return true
    },
  }
}

/** What comes of a round; `undefined` if it became void meanwhile. */
async function untilVoid<T>(round: Current, result: Promise<T>): Promise<T | undefined> {
  try {
    const done = await result
    return round.isVoid ? undefined : done
  } catch (error) {
    if (round.isVoid) return undefined // aborted, or in want of pixels that are erased
    throw error
  }
}
