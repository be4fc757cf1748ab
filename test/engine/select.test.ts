import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { selectEngine } from '../../lib/engine/select.ts'
import { tf } from '../../lib/engine/tf.ts'
import { engine } from '../support/engine.ts'

const root = resolve(import.meta.dirname, '../..')

/** Chooses an engine in a new process, on its main thread and on another, and prints the results. */
const script = `
import { isMainThread, Worker } from 'node:worker_threads'
import { selectEngine } from './lib/engine/select.ts'
import { tf } from './lib/engine/tf.ts'
const choice = process.argv[2]
try {
  const engine = await selectEngine(choice)
  const sum = (await tf.sum(tf.relu(tf.tensor2d([[1, -2], [3, 4]]))).data())[0]
  console.log(JSON.stringify({ ...engine, sum, isMainThread }))
} catch (error) {
  console.log(JSON.stringify({ code: error.code, message: error.message }))
}
if (isMainThread) new Worker(new URL(import.meta.url), { argv: [choice] })
`
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'contrastream-select-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** A copy of the engine's files with these packages and no others. */
function copyWith(name: string, packages: readonly string[]): string {
  const copy = join(folder, name)
  cpSync(join(root, 'lib/engine'), join(copy, 'lib/engine'), { recursive: true })
  cpSync(join(root, 'lib/errors.ts'), join(copy, 'lib/errors.ts'))
  writeFileSync(join(copy, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(copy, 'choose.ts'), script)
  mkdirSync(join(copy, 'node_modules/@tensorflow'), { recursive: true })
  for (const one of packages) {
    symlinkSync(join(root, 'node_modules', one), join(copy, 'node_modules', one))
  }
  return copy
}

function choose(copy: string, choice: string) {
  const { TF_CPP_MIN_LOG_LEVEL: _, ...env } = process.env
  const args = [join(copy, 'choose.ts'), choice]
  const { stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  return {
    results: stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    stderr,
  }
}

const wasm = ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm']
const all = [...wasm, '@tensorflow/tfjs-node']

describe('selectEngine', () => {
  for (const name of new Set([engine.name, 'wasm'])) {
    it(`loads ${name} on any thread without a word`, () => {
      const { results, stderr } = choose(copyWith(name, all), name)
      expect(stderr).toBe('')
      expect(results.map((one) => [one.name, one.sum, one.isMainThread])).toEqual([
        [name, 8, true],
        [name, 8, false],
      ])
    })
  }

  it('takes wasm where the native engine is not, and says why', () => {
    const [first] = choose(copyWith('auto', wasm), 'auto').results
    expect(first.name).toBe('wasm')
    expect(first.considered).toMatchObject([
      { name: 'tensorflow', ok: false },
      { name: 'wasm', ok: true, detail: 'WebAssembly' },
    ])
    expect(first.considered[0].detail).toContain('`contrastream engine install` builds it')
  })

  it('names the command that installs an engine which was asked for', () => {
    const [first] = choose(copyWith('absent', wasm), 'tensorflow').results
    expect(first.code).toBe('ENGINE')
    expect(first.message).toContain(
      'expected tensorflow to load, got tensorflow: Cannot find module',
    )
    expect(first.message).toContain('contrastream engine install')
  })

  it('changes from one engine to another and back', async () => {
    const slope = () =>
      tf.tidy(() =>
        tf
          .grad((x) => tf.sum(tf.relu6(x)))(tf.tensor1d([-1, 2, 7]))
          .arraySync(),
      )
    await selectEngine('wasm')
    expect(slope()).toEqual([0, 1, 0])
    await selectEngine('auto')
    expect(tf.getBackend()).toBe(engine.name)
    expect(slope()).toEqual([0, 1, 0])
  })
})
