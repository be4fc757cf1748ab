import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

/**
 * Names this process on this machine: `host:pid:start time`, unlike that of any other process,
 * even of one that gets the same number later.
 */
export function processName(): string {
  return `${hostname()}:${process.pid}:${startTime(process.pid) ?? 0}`
}

/**
 * Whether the process with this name is certainly gone.
 *
 * @param name - From {@link processName}; more `:` fields may follow.
 * @returns False for a process of another machine, and wherever there is doubt.
 */
export function isDead(name: string): boolean {
  const [host, pid, start] = name.split(':')
  if (host !== hostname() || !/^[1-9][0-9]*$/.test(pid ?? '')) return false
  if (!exists(Number(pid))) return true
  const current = startTime(Number(pid))
  return current !== undefined && start !== '0' && current !== start
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/**
 * Start time in clock ticks since boot, from Linux' `/proc`; `ended` for a process that only
 * waits to be collected by its parent; absent where there is no `/proc`.
 */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the command in parentheses, which may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : fields[19]
  } catch {
    return undefined
  }
}
