import type { LaneReading } from './watchdog-memory.ts'

/** A lane as it was last seen, and for how long it has shown no progress, ms. */
export interface Silence {
  readonly seen: LaneReading
  readonly ms: number
}

/** How long a lane has been silent: no progress, and work to do, since it was last seen. */
export function silence(
  before: Silence | undefined,
  seen: LaneReading,
  elapsedMs: number,
): Silence {
  const isStill = before !== undefined && seen.isBusy && seen.beats === before.seen.beats
  return { seen, ms: isStill ? before.ms + elapsedMs : 0 }
}

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`

/**
 * What the watchdog says before it ends the process.
 *
 * @param silences - Each lane by its name.
 * @param now - The time of day, ms since 1970.
 */
export function lastWords(
  silences: ReadonlyMap<string, Silence>,
  limitMs: number,
  now: number,
): string {
  const stuck = [...silences].filter(([, { ms }]) => ms >= limitMs).map(([name]) => name)
  const lines = [...silences].map(([name, { seen, ms }]) => {
    const state = seen.isBusy ? `busy, silent for ${seconds(ms)}` : 'idle'
    const since = `${new Date(now - ms).toISOString()}: ${seen.doing || 'not begun'}`
    return `  ${name}: ${state}; at ${since}`
  })
  const head = `watchdog: expected progress of ${stuck.join(', ')} within ${seconds(limitMs)}, got none; this process ends, and goes on from its last checkpoint when it is started again`
  return [head, ...lines].join('\n')
}
