import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished, vi } from 'vitest'
import { exitCodeOf } from '../../lib/cli/output.ts'
import { program } from '../../lib/cli/program.ts'
import { checkConfig } from '../../lib/config/load.ts'
import { openCheckpoint } from '../../lib/learn/checkpoint.ts'
import type { LearnerState } from '../../lib/learn/state.ts'
import { partNames, partOf } from '../../lib/learn/state-parts.ts'
import { openPipeline, type Pipeline } from '../../lib/service/open-pipeline.ts'

/** What a command printed, and the code that it would end the program with. */
export interface Outcome {
  readonly stdout: string
  readonly stderr: string
  readonly code: number
  readonly error: unknown
  /** The lines of `--json`. */
  readonly lines: readonly Readonly<Record<string, unknown>>[]
}

/** A data folder that is gone when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'contrastream-cli-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const parsed = (line: string): Readonly<Record<string, unknown>>[] =>
  line.startsWith('{"schema"') ? [JSON.parse(line)] : []

/** Runs a command in this process, as `main.ts` does. */
export async function command(...args: readonly string[]): Promise<Outcome> {
  const written = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += String(text)
      return true
    }),
  )
  process.exitCode = undefined
  let error: unknown
  try {
    await program().parseAsync(['node', 'contrastream', ...args])
  } catch (thrown) {
    error = thrown
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
  const code = error === undefined ? Number(process.exitCode ?? 0) : exitCodeOf(error)
  process.exitCode = undefined
  const lines = written.stdout.split('\n').flatMap(parsed)
  return { ...written, code, error, lines }
}

/** Works on the data folder as a role does, and closes it. */
export async function onPipeline<T>(
  folder: string,
  work: (pipeline: Pipeline) => Promise<T>,
): Promise<T> {
  const pipeline = await openPipeline(checkConfig({ data: folder }))
  try {
    return await work(pipeline)
  } finally {
    await pipeline.close()
  }
}

/** Writes the first checkpoint of lineage `main`, as a learner does. */
export async function writeState(
  { documents, blobs, stream }: Pipeline,
  state: LearnerState,
): Promise<void> {
  const log = await stream.identity()
  const checkpoints = openCheckpoint({ documents, blobs, lineage: 'main', fence: 1, log })
  const parts = partNames.flatMap((name) => {
    const part = partOf(state, name)
    return part === undefined ? [] : [[name, part] as const]
  })
  await checkpoints.replace(undefined, {
    at: 1,
    offsets: {},
    counts: {},
    random: {},
    settings: 'settings',
    model: { next: 1 },
    parts: Object.fromEntries(parts),
    from: {},
  })
}
