import type { Config } from '../config/schema.ts'
import { EngineError } from '../errors.ts'
import { headKey } from '../registry/checkpoint-head.ts'
import { monotonicClock } from '../registry/clock.ts'
import { Closers } from './closers.ts'
import type { PipelineEvent, RoundEnded } from './events.ts'
import { expectStartable } from './expect-startable.ts'
import type { Beginning } from './learner-memory.ts'
import { openPipeline, type Pipeline } from './open-pipeline.ts'
import { isHopeless, type RoleName, type RoleStatuses } from './role.ts'
import { configOfRole, rolesOf } from './role-settings.ts'
import type { RunSummary } from './run.ts'
import { takeRunLease } from './run-lease.ts'
import { type RoleChild, roleChild } from './supervisor-child.ts'
import { restartRule } from './supervisor-restarts.ts'

/** What a supervised run is asked for. */
export interface SuperviseOptions {
  /** How a new lineage begins; refused for one that has a checkpoint. */
  readonly beginning: Beginning
  readonly onEvent: (event: PipelineEvent) => void
  /** Told once a second. */
  readonly onProgress: (statuses: RoleStatuses) => void
  /** Aborted when all roles shall stop. */
  readonly signal: AbortSignal
  /** Asked then: whether requests still come for a while. */
  readonly drain: () => boolean
}

const progressEveryMs = 1_000
/** Share of the deadline after which a role that has not stopped is killed. */
const patience = 0.9

/**
 * The whole service on one machine, a process a role: here runs neither engine nor port.
 *
 * A role that dies is started again; the others go on meanwhile. On the signal all of them stop
 * at once.
 *
 * @throws {@link BusyError} if another run works on the data folder; {@link ConfigError} for
 * settings that a role cannot begin with; the last error of a role that died too often;
 * {@link EngineError} if a role did not stop within `run.deadline`.
 */
export async function supervise(config: Config, options: SuperviseOptions): Promise<RunSummary> {
  expectStartable(config)
  const closers = new Closers()
  const stop = new AbortController()
  const stopping = AbortSignal.any([options.signal, stop.signal])
  let failure: unknown
  const fail = (error: unknown): void => {
    failure ??= error
    stop.abort()
  }
  try {
    const pipeline = await openPipeline(config)
    closers.add(() => pipeline.close())
    const lease = await takeRunLease(pipeline, 'run', monotonicClock, fail)
    closers.add(() => lease.release())
    const summary = await superviseRoles(pipeline, options, stopping, fail)
    if (failure !== undefined) throw failure
    return { ...summary, interrupted: options.signal.aborted }
  } catch (error) {
    failure ??= error
    throw failure
  } finally {
    await closers.close(failure)
  }
}

async function superviseRoles(
  pipeline: Pipeline,
  { beginning, onEvent, onProgress, drain }: SuperviseOptions,
  stopping: AbortSignal,
  fail: (error: unknown) => void,
): Promise<Omit<RunSummary, 'interrupted'>> {
  const { config, documents } = pipeline
  const children = new Map<RoleName, RoleChild>()
  let statuses: RoleStatuses = {}
  let last: RoundEnded | undefined

  const begun = async (): Promise<boolean> =>
    (await documents.read(headKey(config.lineage))) !== undefined
  const tell = (from: RoleName, event: PipelineEvent): void => {
    if (event.event === 'round') last = event
    onEvent(event)
    if (from !== 'serve') children.get('serve')?.hear(event)
  }
  /** Keeps one role alive until all shall stop. */
  const keep = async (name: RoleName): Promise<void> => {
    const delayAfter = restartRule()
    for (let restarts = 0; !stopping.aborted; restarts += 1) {
      const isResumed = restarts > 0 && (await begun())
      if (stopping.aborted) return
      const settings = {
        config: configOfRole(config, name),
        beginning: isResumed ? {} : beginning,
        restarts,
      }
      const child = roleChild(name, settings, {
        onEvent: (event) => tell(name, event),
        onStatus: (some) => {
          statuses = { ...statuses, ...some }
        },
      })
      children.set(name, child)
      const error = await child.ended
      children.delete(name)
      if (stopping.aborted) return
      const afterMs = isHopeless(error) ? undefined : delayAfter(monotonicClock.now())
      const why = error ?? new EngineError(`${name}: expected to run on, it stopped`)
      if (afterMs === undefined) return fail(why)
      tell(name, { event: 'restart', role: name, why: why.message, afterMs })
      await monotonicClock.sleep(afterMs, stopping)
    }
  }

  const killAll = (): void => {
    for (const child of children.values()) child.kill()
  }
  let deadline: NodeJS.Timeout | undefined
  const stopAll = (): void => {
    const options = { drain: drain() }
    for (const child of children.values()) child.stop(options)
    deadline = setTimeout(() => {
      const names = [...children.keys()].join(', ')
      fail(new EngineError(`run: expected ${names} to end within run.deadline, got no end`))
      killAll()
    }, patience * config.run.deadline)
  }
  stopping.addEventListener('abort', stopAll, { once: true })
  process.once('exit', killAll)
  const ticking = setInterval(() => onProgress(statuses), progressEveryMs)
  try {
    await Promise.all(rolesOf(config).map((name) => keep(name).catch(fail)))
  } finally {
    clearInterval(ticking)
    clearTimeout(deadline)
    process.off('exit', killAll)
  }
  const { learn, serve } = statuses
  return {
    applied: learn?.applied ?? 0,
    heldOut: learn?.heldOut ?? 0,
    duplicates: learn?.duplicates ?? 0,
    quarantined: (learn?.quarantined ?? 0) + (serve?.ingest.quarantined ?? 0),
    rounds: learn?.rounds ?? 0,
    stable: (await pipeline.registry.stable.read())?.version,
    verdict: last?.verdict,
    reason: last?.reason,
  }
}
