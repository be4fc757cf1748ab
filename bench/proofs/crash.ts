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

/**
 * Random SIGKILLs of `run`; at the end every picture must have been applied once.
 *
 * Arguments: number of kills (default 100), seed (default 1).
 */
export const crash: Proof = async ([kills = '100', seed = '1']) => {
  const work = mkdtempSync(join(tmpdir(), 'contrastream-crash-'))
  try {
    const folder = join(work, 'pictures')
    mkdirSync(folder)
    for (let kind = 0; kind < classes; kind += 1) {
      for (let number = 0; number < picturesEach; number += 1) {
        const pixels = glyphPicture(3, kind, number)
        const path = join(folder, `${kind}-${number}.png`)
        writeFileSync(path, await encodePng(pixels, glyphSize, glyphSize))
      }
    }
    const settings = ['model.backbone=conv4', 'learn.steps=10', 'learn.checkpointEvery=1s']
    const common = ['--data', join(work, 'data'), ...settings.flatMap((one) => ['--set', one])]
    const run = ['run', folder, '--until', 'idle', ...common]
    const random = randomStream(Number(seed), 'crash')
    let finished = 0
    for (let kill = 0; kill < Number(kills); kill += 1) {
      if (await runAndKill(run, 300 + random.integer(8_000))) finished += 1
    }
    const began = performance.now()
    const summary = (await program(run)).at(-1) ?? {}
    const recovery = Math.round(performance.now() - began)
    const versions = await program(['models', 'list', ...common])
    const total = classes * picturesEach
    const applied = Number(summary['applied'])
    const bad = Number(summary['quarantined'])
    return {
      lines: [
        `${kills} kills, seed ${seed}; ${finished} runs ended before theirs`,
        `acknowledged ${total} − applied ${applied} = ${total - applied}; quarantined ${bad}; repeats dropped ${summary['duplicates']}`,
        `registry: ${versions.filter(({ event }) => event === 'version').length} versions readable, stable ${summary['stable']}; last run ${recovery} ms`,
      ],
      holds: applied === total && bad === 0 && summary['stable'] !== undefined,
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
