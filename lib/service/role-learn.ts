import { PipelineError } from '../errors.ts'
import { monotonicClock } from '../registry/clock.ts'
import type { Lease } from '../registry/lease-document.ts'
import { Closers } from './closers.ts'
import { erasedIds } from './erasures.ts'
import type { RoundEnded } from './events.ts'
import { housekeeper } from './housekeeping-schedule.ts'
import { adminServer } from './http/admin-server.ts'
import type { Learner } from './learner.ts'
import { learnerForgetting } from './learner-forgetting.ts'
import { learnerLease } from './learner-lease.ts'
import { openLog } from './logging.ts'
import { measureLearner } from './measure-learner.ts'
import { type Metrics, openMetrics } from './metrics.ts'
import { measuredDecoders } from './metrics-decoders.ts'
import { watchLag } from './metrics-lag.ts'
import { openLearning } from './open-learning.ts'
import { openPipeline, type Pipeline } from './open-pipeline.ts'
import { isReleaseUnderWay } from './release-under-way.ts'
import { answerRound, openRoundRequest, type RoundAnswer, type RoundRequest } from './requests.ts'
import type { Role, RoleHost, RoleSettings } from './role.ts'
import { decoderShare, lookEveryMs } from './role-settings.ts'
import { tellProgress } from './round-progress.ts'
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
 * The role that learns: the single writer, under a lease. Where roles are apart it stands by while
 * another learner is alive, and takes its place.
 *
 * @throws {@link ConfigError} if its admin port cannot be had; through `failed` as `openLearner`, and
 * {@link BusyError} if another learner is alive on a machine of one.
 */
export async function learnRole(settings: RoleSettings, host: RoleHost): Promise<Role> {
  const { config, restarts } = settings
  const closers = new Closers()
  const stopping = new AbortController()
  const { promise: failed, resolve: fail } = Promise.withResolvers<unknown>()
  try {
    const pipeline = await openPipeline(config)
    closers.add(() => pipeline.close())
    const metrics = openMetrics('learn')
    metrics.count('restarts_total', {}, restarts)
    let state: 'standing by' | 'starting' | 'learning' = 'standing by'
    const notes = {
      'standing by': ['another learner is alive'],
      starting: ['the model is not loaded yet'],
      learning: [],
    }
    const admin = await adminServer({
      config,
      log: openLog('learn', config.logging, process.stderr),
      metrics,
      health: () => ({ isLive: true, isReady: state !== 'starting', notes: notes[state] }),
    })
    closers.add(() => admin.close())

    let leading: Leading | undefined
    const whole = async (): Promise<void> => {
      const lease = await learnerLease(pipeline, {
        signal: stopping.signal,
        onWait: (holder) => note(host, `stands by: ${holder} is the learner`),
        onLost: fail,
      })
      closers.add(() => lease.release())
      state = 'starting'
      metrics.set('fence', {}, lease.fence)
      leading = await lead({ pipeline, settings, host, metrics, fail }, lease, closers)
      await leading.begin(stopping.signal)
      state = 'learning'
      await leading.work(stopping.signal)
    }
    const working = whole().catch((error: unknown) => {
      if (!stopping.signal.aborted) fail(error)
    })
    return {
      failed,
      status: async () => (leading === undefined ? {} : { learn: leading.learner.status }),
      hear: () => undefined,
      stop: async () => {
        admin.drain()
        stopping.abort()
        leading?.abort()
        try {
          await working
          await leading?.learner.stop()
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

/** What the single writer works with. */
interface LeadParts {
  readonly pipeline: Pipeline
  readonly settings: RoleSettings
  readonly host: RoleHost
  readonly metrics: Metrics
  readonly fail: (error: unknown) => void
}

/** The single writer, prepared. */
interface Leading {
  readonly learner: Learner
  /** Ends what the engine is at. */
  abort(): void
  /** Goes on with what a crash interrupted, and begins to take records in. */
  begin(signal: AbortSignal): Promise<void>
  /** Runs rounds until the signal. */
  work(signal: AbortSignal): Promise<void>
}

/** Opens everything that works under the lease. */
async function lead(
  { pipeline, settings, host, metrics, fail }: LeadParts,
  lease: Lease,
  closers: Closers,
): Promise<Leading> {
  const { config, beginning } = settings
  const { now, onEvent } = host
  const measure = measureLearner(metrics, now)
  const watch = runWatch(config.run.watchdog)
  closers.add(() => watch.close())
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
  const { documents } = pipeline
  const telling = { documents, lineage: config.lineage, learner, now, everyMs: lookEveryMs(config) }
  closers.add(tellProgress(telling))
  closers.add(watchLag({ config, stream: pipeline.stream, metrics, positions }))
  // On a bucket only `models gc` deletes: it runs by a schedule, with a right that roles lack.
  const house =
    pipeline.config.store.adapter === 'file'
      ? housekeeper(pipeline, {
          now,
          clock: monotonicClock,
          checkpoint: () => learner.checkpoint(),
          tell: (text) => note(host, text),
        })
      : undefined
  closers.add(async () => house?.stop())
  const checkpointing = setInterval(() => {
    learner.checkpoint().catch(fail)
  }, config.learn.checkpointEvery)
  closers.add(async () => clearInterval(checkpointing))

  const forgetting = learnerForgetting({
    ...{ documents: pipeline.documents, learner, now, clock: monotonicClock, fail },
  })
  closers.add(() => forgetting.stop())

  return {
    learner,
    abort,
    begin: async (signal) => {
      signal.throwIfAborted()
      const erased = await erasedIds(pipeline.documents)
      await watch.during(() => learner.resume(erased))
      forgetting.start()
      await watch.during(() => learner.finishRound())
      signal.throwIfAborted()
      house?.start()
      await learner.start()
      watch.start(learner)
    },
    work: (signal) => work(pipeline, learner, watch, signal),
  }
}

const note = ({ onEvent }: RoleHost, text: string): void => onEvent({ event: 'note', text })
