import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type Running, start } from './program.ts'
import { type SmallFolder, smallFolder } from './small-run.ts'

const hang = new URL('../fixtures/service/hang-embedding.ts', import.meta.url)
const block = new URL('../fixtures/service/block-on-signal.ts', import.meta.url)

let small: SmallFolder
beforeAll(async () => {
  small = await smallFolder()
})
afterAll(() => small.remove())

/** Watches a folder, with a module loaded first that will do harm. */
function runWith(module: URL, data: string): Running {
  const settings = ['run.watchdog=3s', 'engine=wasm', 'model.backbone=conv4', 'limits.decoders=1']
  const pairs = settings.flatMap((pair) => ['--set', pair])
  const args = ['run', small.pictures, '--rounds', '1000', '--data', join(small.folder, data)]
  return start([...args, ...pairs], { env: { NODE_OPTIONS: `--import=${module.href}` } })
}

/** Waits until no process of the group is left: none outlives the one that started it. */
const untilAllGone = ({ pid }: Running): Promise<unknown> =>
  vi.waitFor(() => expect(() => process.kill(-pid, 0)).toThrow('ESRCH'), 20_000)

it('ends a run whose handler hangs', async () => {
  const running = runWith(hang, 'hung')
  const { signal, errors } = await running.ended
  expect(signal).toBe('SIGKILL')
  expect(errors).toMatch(/watchdog: expected progress of intake within 3 s, got none/)
  expect(errors).toMatch(/main thread: busy, silent for \d.* s; .*answers/)
  await untilAllGone(running)
})

it('ends a run whose event loop is blocked, though it has nothing to do', async () => {
  const running = runWith(block, 'blocked')
  await running.said('"event":"stable"')
  running.signal('SIGUSR2')
  const { signal, errors } = await running.ended
  expect(signal).toBe('SIGKILL')
  expect(errors).toContain('watchdog: expected progress of main thread')
  await untilAllGone(running)
})
