import { expect, it } from 'vitest'
import { attempts } from '../../lib/store/s3-attempts.ts'

async function counted(patience: Parameters<typeof attempts>[0]): Promise<number> {
  let count = 0
  for await (const _ of attempts(patience)) count += 1
  return count
}

it('gives so many turns, the first one at once', async () => {
  expect(await counted({ attempts: 1, pauseMs: 1e9 })).toBe(1)
  expect(await counted({ attempts: 5, pauseMs: 0 })).toBe(5)
})

it('begins none after the deadline', async () => {
  expect(await counted({ attempts: 100, pauseMs: 0, deadlineMs: -1 })).toBe(1)
})
