import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Trial, Trialled } from './trial.ts'

const program = fileURLToPath(new URL('./trial.ts', import.meta.url))

function run(trial: Trial): Promise<Trialled> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, JSON.stringify(trial)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      // A process a core: twice the trainings an hour of one process on all cores.
      env: { ...process.env, TF_NUM_INTRAOP_THREADS: '1', TF_NUM_INTEROP_THREADS: '1' },
    })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(text) as Trialled)
      else reject(new Error(`trial ${JSON.stringify(trial)} ended with ${code}`))
    })
  })
}

/**
 * Runs trainings side by side, one a core, and prints each as it ends.
 *
 * @returns Their figures, in the order of the trials.
 */
export async function study(trials: readonly Trial[]): Promise<readonly Trialled[]> {
  const results: Trialled[] = []
  const queue = [...trials.entries()]
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [i, trial] = next
      const result = await run(trial)
      results[i] = result
      const { mapAtR, recallAt1 } = result.unseen
      console.log(`${JSON.stringify(trial)} ${mapAtR.toFixed(3)} ${recallAt1.toFixed(3)}`)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return results
}
