import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Launch, type Running, start } from './program.ts'
import { type SmallFolder, smallFolder } from './small-run.ts'

const hang = new URL('../fixtures/service/hang-embedding.ts', import.meta.url)
const hanging: Launch = { env: { NODE_OPTIONS: `--import=${hang.href}` } }

let small: SmallFolder
beforeAll(async () => {
  small = await smallFolder()
})
afterAll(() => small.remove())

/** A run with a round that does not end by itself. */
function run(data: string, more: readonly string[] = [], launch: Launch = {}): Running {
  const settings = [
    ...['engine=wasm', 'model.backbone=conv4', 'image.channels=grey', 'limits.decoders=1'],
    ...['learn.steps=1000000', 'learn.maxRoundTime=10m', ...more],
  ]
  const pairs = settings.flatMap((pair) => ['--set', pair])
  const args = ['run', small.pictures, '--rounds', '1000', '--data', join(small.folder, data)]
  return start([...args, ...pairs], launch)
}

it.each([
  ['SIGTERM', 0],
  ['SIGINT', 130],
] as const)(
  'writes a checkpoint on %s in the middle of a round, and ends with %i',
  async (name, code) => {
    const running = run(name)
    await running.said('"phase":"train"')
    running.signal(name)
    const ended = await running.ended
    expect(ended.code).toBe(code)
    expect(ended.lines.at(-1)).toMatchObject({ event: 'summary', applied: 176, interrupted: true })

    const again = run(name)
    await again.said('"event":"round-began"')
    again.signal(name)
    const { lines } = await again.ended
    expect(lines.find(({ event }) => event === 'resumed')).toMatchObject({ applied: 176 })
    expect(lines.at(-1)).toMatchObject({ applied: 176, duplicates: 0 })
  },
)

it('writes a checkpoint and ends quietly once nobody reads its output', async () => {
  const running = run('unread')
  await running.said('"phase":"train"')
  running.closeOutput()
  const { code, errors } = await running.ended
  expect(code).toBe(0)
  expect(errors).not.toContain('EPIPE')

  const again = run('unread')
  await again.said('"event":"round-began"')
  again.signal('SIGTERM')
  const { lines } = await again.ended
  expect(lines.find(({ event }) => event === 'resumed')).toMatchObject({ applied: 176 })
})

it('ends where it cannot stop, once the deadline has passed', async () => {
  const running = run('deadline', ['run.deadline=1s'], hanging)
  await running.said('"behind":176')
  running.signal('SIGTERM')
  const { signal, errors } = await running.ended
  expect(signal).toBe('SIGKILL')
  expect(errors).toContain('expected an end within run.deadline = 1000 ms, got none')
})

it('ends at once on a second signal', async () => {
  const running = run('second', ['run.deadline=10m'], hanging)
  await running.said('"behind":176')
  // Signals that come together count as one.
  const insisting = setInterval(() => running.signal('SIGINT'), 200)
  const { code } = await running.ended
  clearInterval(insisting)
  expect(code).toBe(130)
})

it('ends supervised training on SIGINT, and writes no model', async () => {
  const out = join(small.folder, 'model')
  const settings = ['engine=wasm', 'model.backbone=conv4', 'image.channels=grey']
  const pairs = [...settings, 'learn.steps=1000000'].flatMap((pair) => ['--set', pair])
  const running = start(['train', small.pictures, '--labels', 'folders', '--out', out, ...pairs])
  await running.said('train   100/')
  running.signal('SIGINT')
  expect((await running.ended).code).toBe(130)
  expect(existsSync(out)).toBe(false)
})
