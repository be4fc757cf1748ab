import type { Config } from '../config/schema.ts'
import type { Preprocessing } from '../image/options.ts'
import { monotonicClock } from '../registry/clock.ts'
import { openRegistry } from '../registry/registry.ts'
import { versionNumber } from '../registry/version-id.ts'
import { Closers } from './closers.ts'
import { eventLog } from './http/event-log.ts'
import { httpServer } from './http/http-server.ts'
import type { HealthReport } from './http/parts.ts'
import type { IngestProgress } from './ingester.ts'
import { openLog } from './logging.ts'
import { type Metrics, openMetrics } from './metrics.ts'
import { measuredDecoders } from './metrics-decoders.ts'
import { pictureMaps } from './picture-maps.ts'
import { type ReaderEvent, releaseReader } from './release-reader.ts'
import type { Role, RoleHost, RoleSettings } from './role.ts'
import { decoderShare, groupOf, releasePollMs } from './role-settings.ts'
import type { ServingReleases } from './serving-release.ts'
import { limitsOf } from './settings.ts'
import { type StoreThread, storeThread } from './store-thread.ts'
import { versionThread } from './version-thread.ts'
import { watchdog } from './watchdog.ts'

/** Every request names its own; nobody asks for this one. */
const unasked: Preprocessing = {
  size: 28,
  channels: 'rgb',
  background: '#808080',
  mean: [127.5, 127.5, 127.5],
  std: [127.5, 127.5, 127.5],
}

const nothingRead: IngestProgress = { found: 0, sent: 0, known: 0, quarantined: 0, ignored: 0 }

/** Keeps the figures of releases. */
function measureReleases(metrics: Metrics, releases: ServingReleases) {
  metrics.onRead(() => {
    const { current } = releases
    if (current === undefined) return
    metrics.set('model_version', {}, versionNumber(current.version) ?? 0)
    metrics.set('index_vectors', {}, current.size)
  })
  return (event: ReaderEvent): void => {
    if (event.event === 'note') return
    const outcome = event.event === 'serving' ? 'taken' : 'failed'
    metrics.count('refresh_total', { outcome })
    if (event.event === 'serving') metrics.observe('refresh_seconds', {}, event.ms / 1_000)
  }
}

/** Ready once it can answer by a model; what is wrong besides is said, too. */
function healthOf({ current, bad }: ServingReleases): HealthReport {
  const notes = bad.map(({ version, reason }) => `${version} was not taken over: ${reason}`)
  if (current === undefined) notes.unshift('no release is loaded yet')
  return { isLive: true, isReady: current !== undefined, notes }
}

/** Reads folders in a thread of their own, so that no request waits for them. */
async function readFolders(
  config: Config,
  note: (text: string) => void,
): Promise<StoreThread | undefined> {
  return config.ingest.folders.length === 0 ? undefined : storeThread(config, note)
}

/**
 * The role that answers: HTTP over what `stable` names, and pictures on their way in. As `ingest`
 * it only takes pictures in, and loads no model.
 *
 * On its thread run HTTP and nothing that computes: stores and hashing have a thread, folders
 * another, each release its own, and pictures are decoded in processes.
 *
 * @throws {@link ConfigError} if its ports cannot be had.
 */
export async function serveRole(
  name: 'ingest' | 'serve',
  { config, restarts }: RoleSettings,
  { now, onEvent }: RoleHost,
): Promise<Role> {
  const closers = new Closers()
  const { promise: failed, resolve: fail } = Promise.withResolvers<unknown>()
  const note = (text: string): void => onEvent({ event: 'note', text })
  try {
    const dog = watchdog([], { limitMs: config.run.watchdog })
    closers.add(() => dog.close())
    const stores = await storeThread(config, note)
    closers.add(() => stores.close())
    const { documents, blobs, store } = stores
    const metrics = openMetrics('serve')
    metrics.count('restarts_total', {}, restarts)
    const pool = measuredDecoders(
      { processes: decoderShare(config), limits: limitsOf(config), preprocessing: unasked },
      metrics,
    )
    closers.add(() => pool.close())
    const log = openLog('serve', config.logging, process.stderr)
    const events = eventLog()

    const registry = openRegistry({ documents, blobs, name: config.name })
    const reader = releaseReader({
      registry,
      stream: stores.stream,
      group: groupOf(config, 'serve'),
      openThread: (model) =>
        versionThread(model, { engine: config.engine, maxVectors: config.index.maxVectors }),
      erased: store.erased,
      clock: monotonicClock,
      jitter: Math.random,
      onEvent: (event) => {
        measure(event)
        events.append(event)
        onEvent(event)
      },
      options: { pollMs: releasePollMs(config) },
    })
    const measure = measureReleases(metrics, reader)
    const maps = pictureMaps({ registry, identities: store.identities, erased: store.erased })
    closers.add(() => maps.close())
    closers.add(() => reader.stop())
    void reader.failed.then(fail)
    // A release loads in a thread of its own, while all else here still opens.
    if (name === 'serve') reader.start()

    const server = await httpServer({
      config,
      log,
      metrics,
      releases: reader,
      previous: reader.previous,
      decoders: pool,
      store,
      events,
      map: maps.columns,
      health: () =>
        name === 'serve' ? healthOf(reader) : { isLive: true, isReady: true, notes: [] },
      now,
    })
    const addresses = await server.listen()
    let drainMs = 0
    closers.add(() => server.close({ drainMs }))
    onEvent({ event: 'listening', ...addresses })

    const folders = await readFolders(config, note)
    if (folders !== undefined) {
      closers.add(() => folders.close())
      void folders.died.then(fail)
      folders.ingest().catch(fail)
    }
    void stores.died.then(fail)

    return {
      failed,
      status: async () => {
        const { current } = reader
        const ingest = (await folders?.progress()) ?? nothingRead
        const release = current && { version: current.version, vectors: current.size }
        return { serve: { ingest, addresses, ...(release && { release }) } }
      },
      hear: (event) => events.append(event),
      stop: async ({ drain }) => {
        drainMs = drain ? config.run.drain : 0
        await closers.close()
      },
    }
  } catch (error) {
    await closers.close(error)
    throw error
  }
}
