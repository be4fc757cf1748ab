import { Worker } from 'node:worker_threads'
import { sibling } from './sibling.ts'
import { Lane, laneMemory } from './watchdog-memory.ts'
import type { WatchdogData } from './watchdog-worker.ts'

/** Ends this process when work stands still. */
export interface Watchdog<Name extends string> {
  /** Says whether there is work of that kind; only then its silence counts. */
  setBusy(name: Name, isBusy: boolean): void
  /**
   * Work of that kind got somewhere.
   *
   * @param doing - What it is at, for the last words; absent: as before.
   */
  progress(name: Name, doing?: string): void
  /** Ends the watch. */
  close(): Promise<void>
}

const loop = 'main thread'
const loopBeatMs = 1_000

/**
 * Watches kinds of work from a thread of its own, and the thread that calls it besides.
 *
 * Where there is work and no progress for `limitMs`, or the event loop stands still for so long,
 * it writes what was under way to standard error and kills the process: whatever is stuck, what
 * started the process can start it again.
 *
 * @param names - The kinds of work; none of them is busy yet.
 */
export function watchdog<Name extends string>(
  names: readonly Name[],
  { limitMs }: { readonly limitMs: number },
): Watchdog<Name> {
  const all = [loop, ...names]
  const memory = laneMemory(all.length)
  const lanes = new Map(all.map((name, i) => [name, new Lane(memory, i)]))
  const laneOf = (name: string): Lane => lanes.get(name) as Lane
  const data: WatchdogData = { names: all, memory, limitMs }
  const worker = new Worker(sibling(import.meta.url, 'watchdog-worker'), { workerData: data })
  worker.unref()
  laneOf(loop).setBusy(true)
  const beat = () => laneOf(loop).beat('answers')
  beat()
  const beating = setInterval(beat, Math.min(loopBeatMs, limitMs / 10))
  beating.unref()
  return {
    setBusy: (name, isBusy) => laneOf(name).setBusy(isBusy),
    progress: (name, doing) => laneOf(name).beat(doing),
    close: async () => {
      clearInterval(beating)
      await worker.terminate()
    },
  }
}
