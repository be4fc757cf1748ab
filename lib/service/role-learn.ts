import { PipelineError } from '../errors.ts'
import { monotonicClock } from '../registry/clock.ts'
import { Closers } from './closers.ts'
import { erasedIds } from './erasures.ts'
import type { RoundEnded } from './events.ts'
import { housekeeper } from './housekeeping-schedule.ts'
import { adminServer } from './http/admin-server.ts'
import type { Learner } from './learner.ts'
import { learnerForgetting } from './learner-forgetting.ts'
import { openLog } from './logging.ts'
import { measureLearner } from './measure-learner.ts'
import { openMetrics } from './metrics.ts'
import { measuredDecoders } from './metrics-decoders.ts'
import { watchLag } from './metrics-lag.ts'
import { openLearning } from './open-learning.ts'
import { openPipeline, type Pipeline } from './open-pipeline.ts'
import { isReleaseUnderWay } from './release-under-way.ts'
import { answerRound, openRoundRequest, type RoundAnswer, type RoundRequest } from './requests.ts'
import type { Role, RoleHost, RoleSettings } from './role.ts'
import { decoderShare, lookEveryMs } from './role-settings.ts'
import { takeRunLease } from './run-lease.ts'
import { type RunWatch, runWatch } from './run-watch.ts'

/** Runs rounds when they are due or asked for, until the signal. */
async function work(
  { config, documents, registry }: Pipeline,
  learner: Learner,
  watch: RunWatch,
  signal: AbortSignal,
): Promise<void> {
  /** What a round is to run for now; undefined: for nothing. */
  const look = async (): Promise<'due' | RoundRequest | undefined> => {
    const wish = await openRoundRequest(documents)
    if (wish === undefined && !learner.check().starts) return undefined
    const { search, release } = config
    const mustWait = search.enabled && (await isReleaseUnderWay(registry, release.promotion))
    return mustWait ? undefined : (wish ?? 'due')
  }
  const lookAgain = (error: unknown): undefined => {
    if (!(error instanceof PipelineError && error.retryable)) throw error
  }
  while (!signal.aborted) {
    const reason = await look().catch(lookAgain)
    if (reason !== undefined) {
      const ended = await watch.during(() => learner.round())
      if (reason !== 'due') await answerRound(documents, answerOf(reason, ended))
    }
    await monotonicClock.sleep(lookEveryMs(config), signal)
  }
}

function answerOf(
  { seq }: RoundRequest,
  ended: RoundEnded | undefined,
): Omit<RoundAnswer, 'format'> {
  if (ended === undefined) return { seq, reason: 'too little is buffered' }
  return { seq, verdict: ended.verdict, reason: ended.reason }
}

/**
 * The role that learns: the single writer, under a lease.
 *
 * @throws {@link BusyError} if another learner is alive; as `openLearner`.
 */
export async function learnRole(
  { config, beginning, restarts }: RoleSettings,
  { now, onEvent }: RoleHost,
): Promise<Role> {
  const closers = new Closers()
  const stopping = new AbortController()
  const { promise: failed, resolve: fail } = Promise.withResolvers<unknown>()
  const note = (text: string): void => onEvent({ event: 'note', text })
  try {
    const pipeline = await openPipeline(config)
    closers.add(() => pipeline.close())
    const lease = await takeRunLease(pipeline, 'learn', monotonicClock, fail)
    closers.add(() => lease.release())
    const metrics = openMetrics('learn')
    metrics.count('restarts_total', {}, restarts)
    metrics.set('fence', {}, lease.fence)
    const measure = measureLearner(metrics, now)
    const watch = runWatch(config.run.watchdog)
    closers.add(() => watch.close())
    let isReady = false
    const admin = await adminServer({
      config,
      log: openLog('learn', config.logging, process.stderr),
      metrics,
      health: () => ({
        isLive: true,
        isReady,
        notes: isReady ? [] : ['the model is not loaded yet'],
      }),
    })
    closers.add(() => admin.close())
    const { learner, abort } = await openLearning(
      {
        ...{ pipeline, lease, watch, beginning, now, fail },
        processes: decoderShare(config),
        releases: !config.search.enabled,
        onEvent: (event) => {
          measure.onEvent(event)
          onEvent(event)
        },
        onCheckpoint: measure.onCheckpoint,
        openDecoders: (options) => measuredDecoders(options, metrics),
      },
      closers,
    )
    measure.watch(learner)
    const positions = () => learner.figures.offsets
    closers.add(watchLag({ config, stream: pipeline.stream, metrics, positions }))
    const house = housekeeper(pipeline, {
      now,
      clock: monotonicClock,
      checkpoint: () => learner.checkpoint(),
      tell: note,
    })
    closers.add(() => house.stop())
    const checkpointing = setInterval(() => {
      learner.checkpoint().catch(fail)
    }, config.learn.checkpointEvery)
    closers.add(async () => clearInterval(checkpointing))

    const forgetting = learnerForgetting({
      ...{ documents: pipeline.documents, learner, now, clock: monotonicClock, fail },
    })
    closers.add(() => forgetting.stop())

    const whole = async (): Promise<void> => {
      const erased = await erasedIds(pipeline.documents)
      await watch.during(() => learner.resume(erased))
      forgetting.start()
      await watch.during(() => learner.finishRound())
      stopping.signal.throwIfAborted()
      house.start()
      await learner.start()
      watch.start(learner)
      isReady = true
      await work(pipeline, learner, watch, stopping.signal)
    }
    const working = whole().catch((error: unknown) => {
      if (!stopping.signal.aborted) fail(error)
    })
    return {
      failed,
      status: async () => ({ learn: learner.status }),
      hear: () => undefined,
      stop: async () => {
        admin.drain()
        stopping.abort()
        abort()
        try {
          await working
          await learner.stop()
        } finally {
          await closers.close()
        }
      },
    }
  } catch (error) {
    await closers.close(error)
    throw error
  }
}
