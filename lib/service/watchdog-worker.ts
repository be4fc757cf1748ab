import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { Lane } from './watchdog-memory.ts'
import { lastWords, type Silence, silence } from './watchdog-rule.ts'

/** What the thread is given. */
export interface WatchdogData {
  readonly names: readonly string[]
  readonly memory: SharedArrayBuffer
  readonly limitMs: number
}

const { names, memory, limitMs } = workerData as WatchdogData
const lanes = names.map((name, i) => [name, new Lane(memory, i)] as const)
const pollMs = Math.min(1_000, Math.max(10, limitMs / 20))
const standardError = 2

let silences = new Map<string, Silence>()
let looked = performance.now()

function look(): void {
  const now = performance.now()
  // A process that was stopped, or a machine that slept, was not silent meanwhile.
  const elapsed = Math.min(now - looked, 2 * pollMs)
  looked = now
  silences = new Map(
    lanes.map(([name, lane]) => [name, silence(silences.get(name), lane.read(), elapsed)]),
  )
  if ([...silences.values()].every(({ ms }) => ms < limitMs)) return
  writeSync(standardError, `${lastWords(silences, limitMs, Date.now())}\n`)
  // Nothing gentler is sure to end a process whose threads are stuck.
  process.kill(process.pid, 'SIGKILL')
}

setInterval(look, pollMs)
