import type { Config } from '../config/schema.ts'
import { monotonicClock } from '../registry/clock.ts'
import { processName } from '../stream/sqlite-owner.ts'
import { Closers } from './closers.ts'
import { type Embedder, embedder } from './embedder.ts'
import type { EmbedderOptions } from './embedder-parts.ts'
import { versionEmbedder } from './embedder-version.ts'
import { erasedIds, noteErased } from './erasures.ts'
import { adminServer } from './http/admin-server.ts'
import { openLog } from './logging.ts'
import { measureEmbedder } from './measure-embedder.ts'
import { openMetrics } from './metrics.ts'
import { watchLag } from './metrics-lag.ts'
import { openPipeline } from './open-pipeline.ts'
import { picturesElsewhere } from './pictures-elsewhere.ts'
import type { Role, RoleHost, RoleSettings } from './role.ts'
import { decoderShare, groupOf, lookEveryMs } from './role-settings.ts'
import { limitsOf } from './settings.ts'
import { watchdog } from './watchdog.ts'

function optionsOf(config: Config): EmbedderOptions {
  const { index, pictures, release, limits } = config
  const { maxVectors, minCoverage, minRecall } = index
  const retention = index.retention === 'auto' ? pictures.retention : index.retention
  return {
    ...{ maxVectors, minCoverage, minRecall },
    ...(retention !== 'auto' && { retentionMs: retention }),
    promotion: release.promotion,
    ...(config.store.adapter === 's3' && { pollMs: lookEveryMs(config) }),
    maxPictureBytes: limits.bytes,
  }
}

/** Ends the process when there is work and nothing comes of it. */
function watch(one: Embedder, limitMs: number) {
  const dog = watchdog(['work'], { limitMs })
  let before = ''
  const look = (): void => {
    const { lag = 0, backlog, building, embedded, duplicates, erased, quarantined } = one.status
    const now = JSON.stringify([embedded, duplicates, erased, quarantined, backlog, building])
    const left = `${lag} records and ${backlog} older blocks behind`
    if (now !== before) dog.progress('work', `${embedded} embedded, ${left}`)
    before = now
    dog.setBusy('work', lag > 0 || backlog > 0)
  }
  const looking = setInterval(look, 1_000)
  return async (): Promise<void> => {
    clearInterval(looking)
    await dog.close()
  }
}

/**
 * The role that makes vectors, builds the index of a new version, and releases both at once.
 *
 * @throws {@link ConfigError} if its admin port cannot be had.
 */
export async function embedRole(
  { config, restarts }: RoleSettings,
  { now, onEvent }: RoleHost,
): Promise<Role> {
  const closers = new Closers()
  try {
    const pipeline = await openPipeline(config)
    closers.add(() => pipeline.close())
    const { registry, stream, documents } = pipeline
    const metrics = openMetrics('embed')
    metrics.count('restarts_total', {}, restarts)
    const one = embedder({
      registry,
      stream,
      elsewhere: picturesElsewhere(config),
      group: groupOf(config, 'embed'),
      by: processName(),
      open: (version) =>
        versionEmbedder(registry, version, {
          engine: config.engine,
          limits: limitsOf(config),
          processes: decoderShare(config),
          metrics,
        }),
      erased: () => erasedIds(documents),
      onErased: (partition, ids) => noteErased(documents, ids, { embed: { [partition]: now() } }),
      now,
      clock: monotonicClock,
      seed: config.seed,
      onEvent,
      options: optionsOf(config),
    })
    closers.add(() => one.stop())
    closers.add(watch(one, config.run.watchdog))
    measureEmbedder(metrics, one)
    closers.add(watchLag({ config, stream, metrics, positions: () => one.positions }))
    const admin = await adminServer({
      config,
      log: openLog('embed', config.logging, process.stderr),
      metrics,
      health: () => {
        const { served, lag } = one.status
        const notes = [
          ...(served === undefined ? ['no release is loaded yet'] : []),
          ...(lag === undefined ? ['no partition is assigned yet'] : []),
        ]
        return { isLive: true, isReady: notes.length === 0, notes }
      },
    })
    closers.add(() => admin.close())
    one.start()
    return {
      failed: one.failed,
      status: async () => ({ embed: one.status }),
      hear: () => undefined,
      stop: async () => {
        admin.drain()
        await closers.close()
      },
    }
  } catch (error) {
    await closers.close(error)
    throw error
  }
}
