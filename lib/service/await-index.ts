import { BusyError, ConflictError } from '../errors.ts'
import { type Clock, monotonicClock } from '../registry/clock.ts'
import type { Registry } from '../registry/registry.ts'
import type { VersionEntry } from '../registry/versions.ts'
import { coverageOf, type Generation } from '../search/generation.ts'
import { attemptOf, generations } from '../search/generations.ts'
import { requestIndex } from './index-request.ts'

/** How long somebody waits for an index, and what they hear meanwhile. */
export interface IndexWait {
  /** Aborted when they wait no longer. Default: never. */
  readonly signal?: AbortSignal
  /** Told once a change. */
  readonly tell?: (text: string) => void
  readonly clock?: Clock
}

const lookEveryMs = 500

const percent = (share: number): string => `${Math.floor(100 * share)} %`

function standOf(newest: Generation | undefined, version: string): string {
  if (newest === undefined) return `the index of ${version} is not begun yet`
  return `the index of ${version} has ${percent(coverageOf(newest))} of its pictures`
}

/** The newest index of a version that is complete. */
export async function readyIndex(
  { versions, documents }: Registry,
  name: string,
): Promise<string | undefined> {
  const entry = await versions.resolve(name)
  const attempts = entry === undefined ? [] : await generations(documents).list(entry.version)
  return attempts.findLast(({ state }) => state === 'ready')?.id
}

/** Number of the last attempt at an index of a version, collected ones that served included. */
async function lastAttempt({ audit }: Registry, version: string): Promise<number> {
  const moves = await audit.moves('stable')
  const served = moves.filter((one) => one.version === version && one.generation !== undefined)
  return Math.max(0, ...served.map(({ generation }) => attemptOf({ id: String(generation) })))
}

/**
 * Waits until the index of a version that is not stable is ready; where there is none, `embed` is
 * asked for it.
 *
 * @returns Id of the generation.
 * @throws {@link ConflictError} if its last attempt failed; {@link BusyError}, retryable, with
 * reason `index`, if the signal comes first.
 */
export async function awaitIndex(
  registry: Registry,
  { version, manifest }: VersionEntry,
  { signal = new AbortController().signal, tell, clock = monotonicClock }: IndexWait = {},
): Promise<string> {
  const all = generations(registry.documents)
  let told: string | undefined
  for (;;) {
    const attempts = await all.list(version)
    const ready = attempts.findLast(({ state }) => state === 'ready')
    if (ready !== undefined) return ready.id
    const newest = attempts.at(-1)
    if (newest?.state === 'failed') {
      throw new ConflictError(
        `${version}: expected an index that may serve, its last one failed: ${newest.reason}`,
      )
    }
    if (told === undefined) {
      const after = await lastAttempt(registry, version)
      await requestIndex(registry.documents, { version, manifest, after })
    }
    const text = standOf(newest, version)
    if (text !== told) tell?.(text)
    told = text
    if (signal.aborted) {
      const options = { reason: 'index', retryable: true }
      throw new BusyError(`${version}: expected an index that is ready, ${text}`, options)
    }
    await clock.sleep(lookEveryMs, signal)
  }
}
