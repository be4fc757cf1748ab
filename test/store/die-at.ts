import { aroundOperations } from './around-operations.ts'

/**
 * Loaded before a program: makes it die like a process that the system kills, right before its
 * `DIE_AT`th file call or SQL statement, counted from the call of `globalThis.countSteps`.
 */
const dieAt = Number(process.env['DIE_AT'])
let step = Number.NaN

await aroundOperations((_, run) => {
  step += 1
  if (step === dieAt) process.kill(process.pid, 'SIGKILL')
  return run()
})

declare global {
  /** Starts to count. */
  var countSteps: () => void
}
globalThis.countSteps = () => {
  step = 0
}
