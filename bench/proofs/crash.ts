import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { randomStream } from '../../lib/engine/random.ts'
import { encodePng } from '../../lib/image/encode.ts'
import { glyphPicture, glyphSize } from '../../lib/service/demo-glyphs.ts'
import { program } from './program.ts'
import type { Proof } from './proof.ts'

const main = fileURLToPath(new URL('../../lib/cli/main.ts', import.meta.url))
const classes = 20
const picturesEach = 25

/** Kills a run and everything it started. */
function killGroup(child: ChildProcess): void {
  try {
    process.kill(-(child.pid as number), 'SIGKILL')
  } catch {}
}

/** Starts a run in a process group of its own, and kills all of it after `ms`. */
async function runAndKill(args: readonly string[], ms: number): Promise<boolean> {
  const child = spawn(process.execPath, [main, ...args], { stdio: 'ignore', detached: true })
  const ended = new Promise<boolean>((resolve) => child.once('close', () => resolve(true)))
  const isOver = await Promise.race([ended, delay(ms).then(() => false)])
  killGroup(child)
  await ended
  return isOver
}

/** Pictures of the proof, as files. */
async function writePictures(folder: string): Promise<void> {
  mkdirSync(folder)
  for (let kind = 0; kind < classes; kind += 1) {
    for (let number = 0; number < picturesEach; number += 1) {
      const pixels = glyphPicture(3, kind, number)
      const path = join(folder, `${kind}-${number}.png`)
      writeFileSync(path, await encodePng(pixels, glyphSize, glyphSize))
    }
  }
}

/** What one data folder ended with, after all its kills and one whole run. */
interface Ended {
  readonly applied: number
  readonly quarantined: number
  readonly duplicates: number
  readonly stable: unknown
  readonly versions: number
}

/**
 * Random SIGKILLs of `run`, each while it works; at the end of every data folder each picture must
 * have been applied once, and every version must be readable.
 *
 * A folder is used until a run on it ends before its kill; only kills that hit count.
 * Arguments: number of kills (default 100), seed (default 1).
 */
export const crash: Proof = async ([kills = '100', seed = '1']) => {
  const work = mkdtempSync(join(tmpdir(), 'contrastream-crash-'))
  try {
    const folder = join(work, 'pictures')
    await writePictures(folder)
    const settings = ['model.backbone=conv4', 'learn.steps=40', 'learn.checkpointEvery=1s']
    const random = randomStream(Number(seed), 'crash')
    const ended: Ended[] = []
    let hits = 0
    while (hits < Number(kills)) {
      const data = join(work, `data-${ended.length}`)
      const common = ['--data', data, ...settings.flatMap((one) => ['--set', one])]
      const run = ['run', folder, '--until', 'idle', ...common]
      let isOver = false
      while (!isOver && hits < Number(kills)) {
        isOver = await runAndKill(run, 300 + random.integer(4_000))
        if (!isOver) hits += 1
      }
      const summary = (await program(run)).at(-1) ?? {}
      const listed = await program(['models', 'list', ...common])
      ended.push({
        applied: Number(summary['applied']),
        quarantined: Number(summary['quarantined']),
        duplicates: Number(summary['duplicates']),
        stable: summary['stable'],
        versions: listed.filter(({ event }) => event === 'version').length,
      })
      rmSync(data, { recursive: true })
    }
    const total = classes * picturesEach
    const wrong = ended.filter((one) => one.applied !== total || one.quarantined > 0)
    const unserved = ended.filter((one) => one.stable === undefined || one.versions === 0)
    const repeats = ended.reduce((sum, one) => sum + one.duplicates, 0)
    return {
      lines: [
        `${hits} kills that hit, seed ${seed}, over ${ended.length} data folders of ${total} pictures`,
        `folders where acknowledged − applied is not 0: ${wrong.length}; repeats dropped ${repeats}`,
        `folders without a readable stable version: ${unserved.length}`,
      ],
      holds: wrong.length + unserved.length === 0,
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
