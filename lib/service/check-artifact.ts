import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Matrix } from '../engine/matrix.ts'
import type { EngineName } from '../engine/select.ts'
import type { Preprocessing } from '../image/options.ts'
import type { ModelFiles } from '../model/artifact.ts'
import { sibling } from './sibling.ts'

/** What a fresh process must load and embed. */
export interface ArtifactCheck {
  readonly files: ModelFiles
  /** Shape [n, size, size, channels]. */
  readonly pixels: Uint8Array
  readonly preprocessing: Preprocessing
  readonly engine: EngineName | 'auto'
}

/** What the process answers: embeddings before centring, or why there are none. */
export type ArtifactAnswer = { readonly data: Float32Array } | { readonly fault: string }

/** Largest difference of two unit vectors' numbers. */
const tolerance = 1e-4
const timeoutMs = 60_000

function askProcess(check: ArtifactCheck): Promise<ArtifactAnswer> {
  const path = fileURLToPath(sibling(import.meta.url, 'artifact-process'))
  const child = fork(path, {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    child.once('message', (answer) => {
      resolve(answer as ArtifactAnswer)
      child.kill('SIGKILL')
    })
    child.once('error', (error) => resolve({ fault: error.message }))
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      resolve({ fault: `the process ended with ${code ?? signal} before it answered` })
    })
    child.send(check)
  })
}

/**
 * Loads an artifact in a fresh process, and compares the embeddings it gives there.
 *
 * @param expected - Embeddings before centring of the same pictures, shape [n, dim].
 * @returns Why it does not serve; undefined when it does.
 */
export async function checkArtifact(
  check: ArtifactCheck,
  expected: Matrix,
): Promise<string | undefined> {
  const answer = await askProcess(check)
  if ('fault' in answer) return answer.fault
  if (answer.data.length !== expected.data.length) {
    return `expected ${expected.data.length} numbers, got ${answer.data.length}`
  }
  const worst = answer.data.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (expected.data[i] as number))),
    0,
  )
  if (!answer.data.every(Number.isFinite)) return 'an embedding is not finite'
  return worst <= tolerance ? undefined : `embeddings differ by ${worst.toExponential(1)}`
}
