import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'

const peer = new URL('./watched-peer.ts', import.meta.url).pathname

/** How a process ended that was under a watchdog. */
async function watched(way: string): Promise<{ end: unknown; said: string }> {
  const child = spawn(process.execPath, [peer, way], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const [code, signal] = await once(child, 'close')
  return { end: code ?? signal, said }
}

it.each([
  ['a hung handler', 'hung', 'intake', 'record 64'],
  ['a round that stands still beside a busy intake', 'stuck', 'round', 'train 7/200'],
  ['a blocked event loop', 'blocked', 'main thread', 'answers'],
])('ends %s, and says what was under way', async (_, way, lane, doing) => {
  const { end, said } = await watched(way)
  expect(end).toBe('SIGKILL')
  expect(said).toContain(`watchdog: expected progress of ${lane} within 2 s, got none`)
  expect(said).toMatch(new RegExp(`${lane}: busy, silent for [2-9].* s; at .*Z: ${doing}`))
})

it.each(['idle', 'busy'])('leaves a process alone that is %s', async (way) => {
  expect(await watched(way)).toEqual({ end: 0, said: '' })
})
