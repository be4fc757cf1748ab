import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** A process that a service consists of. */
export interface LiveProcess {
  readonly pid: number
  /** `serve`, `embed`, `learn`, `supervisor`, or `decoder` of one of them. */
  readonly name: string
  /** The most that was ever resident in it, bytes. */
  readonly peakBytes: number
}

interface Status {
  readonly pid: number
  readonly parent: number
  readonly title: string
  readonly peakBytes: number
}

function statusOf(pid: number): Status | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8')
    const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    const number = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1])
    return { pid, parent: number('PPid'), title, peakBytes: 1024 * number('VmHWM') }
  } catch {
    return undefined // it has ended meanwhile
  }
}

/** The processes that a supervisor has started, and itself. */
export function processesOf(supervisor: number): readonly LiveProcess[] {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  const all = new Map(
    pids.flatMap((pid) => {
      const status = statusOf(Number(pid))
      return status === undefined ? [] : [[status.pid, status] as const]
    }),
  )
  const nameOf = ({ pid, parent, title }: Status): string | undefined => {
    if (pid === supervisor) return 'supervisor'
    const role = /^contrastream (\w+)/.exec(title)?.[1]
    if (parent === supervisor) return role
    const above = all.get(parent)
    const of = above && nameOf(above)
    return of && `decoder of ${of}`
  }
  return [...all.values()].flatMap((status) => {
    const { pid, peakBytes } = status
    const name = nameOf(status)
    return name === undefined || Number.isNaN(peakBytes) ? [] : [{ pid, name, peakBytes }]
  })
}

const sampleMs = 500

/** Follows the memory of a service's processes, those that end included. */
export function watchMemory(service: { readonly pid: number }) {
  const peaks = new Map<string, number>()
  let isOver = false
  const watching = (async () => {
    while (!isOver) {
      for (const { name, peakBytes } of processesOf(service.pid)) {
        peaks.set(name, Math.max(peaks.get(name) ?? 0, peakBytes))
      }
      await delay(sampleMs)
    }
  })()
  return {
    /** Of each kind of process, the most that one of them ever held, bytes. */
    stop: async (): Promise<ReadonlyMap<string, number>> => {
      isOver = true
      await watching
      return peaks
    },
  }
}
