import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../config/schema.ts'
import { InputError, PipelineError, StreamError } from '../errors.ts'
import { topicNames } from '../stream/topics.ts'
import { diskSpace } from './disk-space.ts'
import { faultOf, filesUnder } from './files-under.ts'
import { folderLedger } from './folder-ledger.ts'
import type { Pipeline } from './open-pipeline.ts'
import { quarantine } from './quarantine.ts'
import { isPictureName, type Prepared, readPictureFile, unreadable } from './read-picture-file.ts'

/** How far the reading of folders is. */
export interface IngestProgress {
  /** Picture files found so far. */
  readonly found: number
  /** Of these, sent now, sent earlier, and set aside. */
  readonly sent: number
  readonly known: number
  readonly quarantined: number
  /** Files that are no pictures by their name. */
  readonly ignored: number
}

/** Reads folders into the stream. */
export interface Ingester {
  readonly progress: IngestProgress
  /** Reads every folder once. */
  scan(): Promise<void>
  /** Scans again and again until stopped. */
  watch(): Promise<void>
  stop(): void
}

/** Pictures sent in one call, and the pause between two scans. */
const sentAtOnce = 64
const scanEveryMs = 2_000
const sendDeadlineMs = 30_000
const retryMs = 1_000

/**
 * Reads the folders of the configuration: each picture becomes a blob, then a record.
 *
 * A file that is no picture, too large or unreadable is set aside with its reason, and reading
 * goes on. What was acknowledged is not sent again after a restart.
 *
 * @param now - The time of day, ms since 1970.
 * @param tell - Told why intake waits.
 * @param refusal - Why nothing may be taken in, beside a full disk; undefined if there is room.
 */
export function ingester(
  pipeline: Pipeline,
  config: Config,
  now: () => number,
  tell: (text: string) => void,
  refusal: () => string | undefined = () => undefined,
): Ingester {
  const ledger = folderLedger(pipeline.database)
  const aside = quarantine(pipeline.stream, topicNames.dead, 'ingest', now)
  const stopping = new AbortController()
  const counts = { found: 0, sent: 0, known: 0, quarantined: 0, ignored: 0 }
  const seen = new Set<string>()
  /** Subfolders that cannot be read, and links to nothing; told of once. */
  const faulty = new Set<string>()
  /** Files that could not be read, with the time of the last change of their rights. */
  const refused = new Map<string, number>()

  function noRoom(): string | undefined {
    const { free, floor } = diskSpace(config.data, config.disk.floor)
    if (free <= floor) return `${free} bytes free on disk, more than ${floor} are needed`
    return refusal()
  }

  /** Takes nothing in while the disk is below its floor or the log full; goes on by itself. */
  async function waitForSpace(): Promise<void> {
    let isTold = false
    while (!stopping.signal.aborted) {
      const why = noRoom()
      if (why === undefined) return
      if (!isTold) tell(`intake waits: ${why}`)
      isTold = true
      await delay(retryMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }

  async function send(prepared: readonly Prepared[]): Promise<void> {
    for (const item of prepared) {
      if (!('error' in item)) continue
      const { path, changedAt } = item.file
      const envelope = { path: resolve(path) }
      const origin = {
        topic: 'folder',
        partition: 0,
        offset: 0,
        timestamp: Math.floor(changedAt),
        envelope,
      }
      await aside.add(origin, item.error)
      counts.quarantined += 1
    }
    let waiting = prepared.filter((item) => 'record' in item)
    const sent = waiting.length
    while (waiting.length > 0) {
      const records = waiting.map(({ record }) => record)
      const results = await pipeline.stream.send(topicNames.unlabeled, records, {
        deadlineMs: sendDeadlineMs,
      })
      const refused = results.find((result) => result.outcome === 'refused')
      if (refused !== undefined) {
        throw new StreamError(`ingest: expected the log to take a record, got ${refused.reason}`, {
          reason: refused.reason,
        })
      }
      waiting = waiting.filter((_, i) => results[i]?.outcome !== 'acked')
      if (waiting.length > 0) await delay(retryMs)
    }
    ledger.add(prepared.filter((item) => !('mayPass' in item)).map(({ file }) => file))
    counts.sent += sent
  }

  async function scanFolder(folder: string): Promise<void> {
    let batch: Promise<Prepared>[] = []
    const flush = async () => {
      const ready = await Promise.all(batch)
      batch = []
      if (ready.length > 0) await send(ready)
    }
    for await (const { path, fault } of filesUnder(folder)) {
      if (stopping.signal.aborted) break
      if (fault !== undefined) {
        const file = { path: resolve(path), bytes: 0, changedAt: now() }
        if (!faulty.has(path)) batch.push(Promise.resolve(unreadable(file, fault)))
        faulty.add(path)
        continue
      }
      if (!isPictureName(path)) {
        if (!seen.has(path)) counts.ignored += 1
        seen.add(path)
        continue
      }
      const state = await stat(path).catch(() => undefined)
      if (state === undefined) continue // gone since its folder was read
      const { size, mtimeMs, ctimeMs } = state
      const file = { path: resolve(path), bytes: size, changedAt: mtimeMs }
      if (!seen.has(path)) counts.found += 1
      if (refused.get(path) === ctimeMs) continue
      if (ledger.has(file)) {
        if (!seen.has(path)) counts.known += 1
        seen.add(path)
        continue
      }
      if (batch.length === 0) await waitForSpace()
      if (stopping.signal.aborted) break
      seen.add(path)
      const ready = readPictureFile(pipeline, config, file, folder)
      // What fails is for Promise.all, at the flush.
      ready.then(
        (item) => 'mayPass' in item && refused.set(path, ctimeMs),
        () => undefined,
      )
      batch.push(ready)
      if (batch.length >= sentAtOnce) await flush()
    }
    await flush()
  }

  const scan = async () => {
    for (const folder of config.ingest.folders) {
      try {
        await scanFolder(folder)
      } catch (cause) {
        if (cause instanceof PipelineError) throw cause
        const message = `ingest: expected a readable folder at ${folder}, got ${faultOf(cause)}`
        throw new InputError(message, { cause })
      }
    }
  }
  return {
    get progress() {
      return { ...counts }
    },
    scan,
    watch: async () => {
      while (!stopping.signal.aborted) {
        await delay(scanEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined)
        if (!stopping.signal.aborted) await scan()
      }
    },
    stop: () => stopping.abort(),
  }
}
