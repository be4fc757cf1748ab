import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { configSchema } from '../../lib/config/schema.ts'
import { encodePng } from '../../lib/image/encode.ts'
import { glyphPicture, glyphSize } from '../../lib/service/demo-glyphs.ts'
import { memoryBound } from '../../lib/service/memory-bound.ts'
import type { Proof } from './proof.ts'

const main = fileURLToPath(new URL('../../lib/cli/main.ts', import.meta.url))
const classes = 400
const sampleMs = 200
const mib = 2 ** 20

async function writePictures(folder: string, count: number): Promise<void> {
  mkdirSync(folder)
  for (let number = 0; number < count; number += 1) {
    const pixels = glyphPicture(5, number % classes, Math.floor(number / classes))
    writeFileSync(join(folder, `${number}.png`), await encodePng(pixels, glyphSize, glyphSize))
  }
}

/** Resident bytes of a process and of all that it started, shared pages once. */
function residentBytes(root: number): number {
  const parents = new Map<number, number>()
  const sizes = new Map<number, number>()
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      parents.set(Number(name), Number(fields[1]))
      const rollup = readFileSync(`/proc/${name}/smaps_rollup`, 'utf8')
      sizes.set(Number(name), 1024 * Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0))
    } catch {
      // The process has ended meanwhile.
    }
  }
  const isOfRoot = (pid: number): boolean =>
    pid === root || (parents.has(pid) && isOfRoot(parents.get(pid) as number))
  return [...sizes].reduce((sum, [pid, bytes]) => sum + (isOfRoot(pid) ? bytes : 0), 0)
}

/** The most memory that a run holds while it takes pictures in and trains a round on them. */
async function peakOf(args: readonly string[]): Promise<{ peak: number; code: number | null }> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
  let code: number | null | undefined
  child.once('close', (ended) => {
    code = ended
  })
  let peak = 0
  while (code === undefined) {
    peak = Math.max(peak, residentBytes(child.pid as number))
    await delay(sampleMs)
  }
  return { peak, code }
}

/** Peak memory of a run over generated pictures. Arguments: number of pictures, default 20,000. */
export const memory: Proof = async ([count = '20000']) => {
  const work = mkdtempSync(join(tmpdir(), 'contrastream-memory-'))
  try {
    await writePictures(join(work, 'pictures'), Number(count))
    const config = configSchema.parse({ model: { backbone: 'conv4' }, learn: { steps: 200 } })
    const parts = memoryBound(config)
    const bound = parts.reduce((sum, { bytes }) => sum + bytes, 0)
    const settings = ['model.backbone=conv4', 'learn.steps=200', 'learn.buffer.maxSourceShare=1']
    const { peak, code } = await peakOf([
      'run',
      join(work, 'pictures'),
      '--rounds',
      '1',
      '--until',
      'idle',
      '--quiet',
      '--data',
      join(work, 'data'),
      ...settings.flatMap((one) => ['--set', one]),
    ])
    const text = (bytes: number) => `${Math.round(bytes / mib)} MiB`
    return {
      lines: [
        ...parts.map(({ what, bytes }) => `bound · ${what}: ${text(bytes)}`),
        `${count} pictures, one round · peak ${text(peak)}, bound ${text(bound)} · exit code ${code}`,
      ],
      holds: code === 0 && peak <= bound,
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
