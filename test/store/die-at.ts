import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import sqlite from 'node:sqlite'

/**
 * Loaded before a program: makes it die like a process that the system kills, right before its
 * `DIE_AT`th file call or SQL statement, counted from the call of `globalThis.countSteps`.
 */
const dieAt = Number(process.env['DIE_AT'])
let step = Number.NaN

function takeStep(): void {
  step += 1
  if (step === dieAt) process.kill(process.pid, 'SIGKILL')
}

function wrap(owner: object, names: readonly string[]): void {
  for (const name of names) {
    const original = Reflect.get(owner, name) as (...values: unknown[]) => unknown
    Reflect.set(owner, name, function wrapped(this: unknown, ...values: unknown[]) {
      takeStep()
      return original.apply(this, values)
    })
  }
}

wrap(fs.promises, ['open', 'rename', 'mkdir', 'unlink', 'readdir', 'stat'])
wrap(fs, ['statSync', 'rmSync'])
wrap(sqlite.DatabaseSync.prototype, ['exec'])
wrap(sqlite.StatementSync.prototype, ['run', 'get', 'all'])
const handle = await fs.promises.open(process.execPath, 'r')
wrap(Object.getPrototypeOf(handle), ['sync', 'writeFile', 'readFile', 'close'])
await handle.close()
syncBuiltinESMExports()

declare global {
  /** Starts to count. */
  var countSteps: () => void
}
globalThis.countSteps = () => {
  step = 0
}
