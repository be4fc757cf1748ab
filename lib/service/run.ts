import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../config/schema.ts'
import { PipelineError } from '../errors.ts'
import { monotonicClock } from '../registry/clock.ts'
import { Closers } from './closers.ts'
import type { EmbedderStatus } from './embedder-parts.ts'
import { erasedIds } from './erasures.ts'
import type { LearnerStatus, PipelineEvent, RoundEnded } from './events.ts'
import { expectStartable } from './expect-startable.ts'
import { fullDisk } from './full-disk.ts'
import { housekeeper } from './housekeeping-schedule.ts'
import { type IngestProgress, ingester } from './ingester.ts'
import type { Learner } from './learner.ts'
import { learnerForgetting } from './learner-forgetting.ts'
import type { Beginning } from './learner-memory.ts'
import { openLearning } from './open-learning.ts'
import { openPipeline } from './open-pipeline.ts'
import type { ServeStatus } from './role.ts'
import { takeRunLease } from './run-lease.ts'
import { runWatch } from './run-watch.ts'

/** What a run is asked for. */
export interface RunOptions {
  /** Ends when everything is taken in and nothing is left to learn. */
  readonly untilIdle: boolean
  /** How a new lineage begins; refused for one that has a checkpoint. */
  readonly beginning?: Beginning
  /** Ends after so many rounds. */
  readonly rounds?: number
  /** The time of day, ms since 1970. */
  readonly now: () => number
  readonly onEvent: (event: PipelineEvent) => void
  /** Told once a second. */
  readonly onProgress: (progress: RunProgress) => void
  /** Aborted when the run shall stop: it then writes its last checkpoint and ends. */
  readonly signal: AbortSignal
}

/** Where a run stands; the last two only where roles are processes. */
export interface RunProgress {
  readonly ingest: IngestProgress
  readonly learner: LearnerStatus
  readonly embed?: EmbedderStatus | undefined
  readonly serve?: ServeStatus | undefined
}

/** How a run ended. */
export interface RunSummary {
  readonly applied: number
  readonly heldOut: number
  readonly duplicates: number
  readonly quarantined: number
  readonly rounds: number
  readonly stable: string | undefined
  readonly verdict: string | undefined
  readonly reason: string | undefined
  readonly interrupted: boolean
}

const pollMs = 100

/** Whether a round starts by itself, or because rounds were asked for. */
function wantsRound(learner: Learner, done: number, options: RunOptions): boolean {
  const check = learner.check()
  if (options.rounds === undefined) return check.starts
  return done < options.rounds && (check.starts || (options.untilIdle && check.mayStart))
}

/**
 * The whole pipeline on one machine: folders in, rounds, published versions.
 *
 * Holds all roles in this process, with the engine in a thread and decoders in child processes.
 *
 * @throws {@link ConfigError} for settings that it cannot begin with, before anything is made.
 * @throws {@link BusyError} if another run works on the data folder.
 */
export async function run(config: Config, options: RunOptions): Promise<RunSummary> {
  expectStartable(config)
  try {
    return await runPipeline(config, options)
  } catch (error) {
    throw fullDisk(error, config.data)
  }
}

async function runPipeline(config: Config, options: RunOptions): Promise<RunSummary> {
  const { now, onEvent, signal } = options
  const closers = new Closers()
  const stop = new AbortController()
  const stopping = AbortSignal.any([signal, stop.signal])
  let failure: unknown
  const fail = (error: unknown) => {
    failure ??= error
    stop.abort()
  }
  try {
    const pipeline = await openPipeline(config)
    closers.add(() => pipeline.close())
    const runLease = await takeRunLease(pipeline, 'run', monotonicClock, fail)
    closers.add(() => runLease.release())
    const lease = await takeRunLease(pipeline, 'learn', monotonicClock, fail)
    closers.add(() => lease.release())

    const watch = runWatch(config.run.watchdog)
    closers.add(() => watch.close())
    const { learner: active, abort } = await openLearning(
      {
        ...{ pipeline, lease, watch, now, onEvent, fail },
        beginning: options.beginning ?? {},
        processes:
          config.limits.decoders === 'auto' ? availableParallelism() : config.limits.decoders,
        releases: true,
      },
      closers,
    )
    const tell = (text: string) => onEvent({ event: 'note', text })
    const house = housekeeper(pipeline, {
      now,
      clock: monotonicClock,
      checkpoint: () => active.checkpoint(),
      tell,
    })
    closers.add(() => house.stop())
    const forgetting = learnerForgetting({
      ...{ documents: pipeline.documents, learner: active, now, clock: monotonicClock, fail },
    })
    closers.add(() => forgetting.stop())
    const intake = ingester(pipeline, config, now, tell, house.refusal)
    const onAbort = () => {
      intake.stop()
      abort()
    }
    stopping.addEventListener('abort', onAbort, { once: true })
    const tick = setInterval(() => {
      try {
        options.onProgress({ ingest: intake.progress, learner: active.status })
      } catch (error) {
        fail(error)
      }
    }, 1_000)
    closers.add(async () => clearInterval(tick))
    const checkpointing = setInterval(() => {
      active.checkpoint().catch(fail)
    }, config.learn.checkpointEvery)
    closers.add(async () => clearInterval(checkpointing))

    let last: RoundEnded | undefined
    let done = 0
    const runRound = async () => {
      const ended = await watch.during(() => active.round())
      if (ended === undefined) return
      last = ended
      done += 1
    }
    const isOver = () =>
      stopping.aborted || (options.rounds !== undefined && done >= options.rounds)
    const untilStopped = async (work: () => Promise<void>) => {
      try {
        await work()
      } catch (error) {
        if (!stopping.aborted) throw error
        const isAsked =
          error === stopping.reason ||
          (error instanceof PipelineError && error.reason === 'aborted')
        if (!isAsked) failure ??= error
      }
    }

    await untilStopped(async () => {
      stopping.throwIfAborted()
      const erased = await erasedIds(pipeline.documents)
      await watch.during(() => active.resume(erased))
      forgetting.start()
      await watch.during(() => active.finishRound())
      house.start()
      await active.start()
      watch.start(active)
      const reading = intake.scan()
      reading.catch(fail)
      if (options.untilIdle) {
        await reading
        while (!stopping.aborted && (await active.measureLag()) > 0) await delay(pollMs)
        while (!isOver() && wantsRound(active, done, options)) await runRound()
        return
      }
      void reading.then(() => intake.watch()).catch(fail)
      while (!isOver()) {
        if (wantsRound(active, done, options)) await runRound()
        else await delay(pollMs * 5)
      }
    })
    await active.stop()
    if (failure !== undefined) throw failure
    const { applied, heldOut, duplicates, quarantined, rounds, stable } = active.status
    return {
      applied,
      heldOut,
      duplicates,
      quarantined: quarantined + intake.progress.quarantined,
      rounds,
      stable,
      verdict: last?.verdict,
      reason: last?.reason ?? missing(active),
      interrupted: signal.aborted,
    }
  } catch (error) {
    failure ??= error // what failed first says more
    throw failure
  } finally {
    await closers.close(failure)
  }
}

/** Why no round ran. */
function missing(learner: Learner): string {
  const { buffered, neededBuffered, fresh, neededFresh, waitMs } = learner.check()
  if (buffered < neededBuffered) {
    return `nothing to learn yet: ${buffered} pictures buffered, ${neededBuffered - buffered} more needed`
  }
  if (waitMs > 0) {
    return `no round before ${Math.ceil(waitMs / 60_000)} minutes have passed: learn.minInterval`
  }
  return `nothing new to learn: ${fresh} new pictures, ${Math.max(0, neededFresh - fresh)} more needed`
}
