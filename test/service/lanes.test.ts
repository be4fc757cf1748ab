import { expect, it } from 'vitest'
import { lanes } from '../../lib/service/lanes.ts'

/** Work that ends when told to. */
function work(log: string[], name: string): { run: () => Promise<void>; end: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return {
    run: async () => {
      log.push(`${name} begins`)
      await promise
      log.push(`${name} ends`)
    },
    end: resolve,
  }
}

it('runs as much side by side as there are lanes, in the order of arrival', async () => {
  const log: string[] = []
  const inLane = lanes(2)
  const [a, b, c] = [work(log, 'a'), work(log, 'b'), work(log, 'c')]
  const done = [a, b, c].map((one) => inLane(1, one.run))
  b.end()
  await done[1]
  a.end()
  c.end()
  await Promise.all(done)
  expect(log).toEqual(['a begins', 'b begins', 'b ends', 'c begins', 'a ends', 'c ends'])
})

it('runs work alone that takes all lanes, and lets nothing overtake it', async () => {
  const log: string[] = []
  const inLane = lanes(2)
  const [a, alone, c] = [work(log, 'a'), work(log, 'alone'), work(log, 'c')]
  const done = [inLane(1, a.run), inLane(2, alone.run), inLane(1, c.run)]
  for (const one of [c, alone, a]) one.end()
  await Promise.all(done)
  expect(log).toEqual(['a begins', 'a ends', 'alone begins', 'alone ends', 'c begins', 'c ends'])
})

it('frees the lanes of work that fails', async () => {
  const inLane = lanes(1)
  await expect(inLane(1, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await inLane(1, async () => 'next')).toBe('next')
})
