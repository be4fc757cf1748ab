import { expect, it } from 'vitest'
import { limiter } from '../../lib/store/limiter.ts'

/** Work that ends when it is told to. */
function handWork() {
  const begun: number[] = []
  const ends: (() => void)[] = []
  const work = (n: number) => () => {
    begun.push(n)
    return new Promise<number>((resolve) => {
      ends[n] = () => resolve(n)
    })
  }
  return { begun, work, end: (n: number) => ends[n]?.() }
}

it('runs so many pieces of work at a time, the others in order', async () => {
  const inTurn = limiter(2)
  const { begun, work, end } = handWork()
  const results = [0, 1, 2, 3].map((n) => inTurn(work(n)))
  expect(begun).toEqual([0, 1])
  end(1)
  await expect.poll(() => begun).toEqual([0, 1, 2])
  end(0)
  await expect.poll(() => begun).toEqual([0, 1, 2, 3])
  end(2)
  end(3)
  expect(await Promise.all(results)).toEqual([0, 1, 2, 3])
})

it('gives the turn on when work fails, whatever the way', async () => {
  const inTurn = limiter(1)
  const failures = [
    inTurn(() => Promise.reject(new Error('later'))),
    inTurn(() => {
      throw new Error('at once')
    }),
  ]
  await expect(failures[0]).rejects.toThrow('later')
  await expect(failures[1]).rejects.toThrow('at once')
  expect(await inTurn(async () => 'next')).toBe('next')
})
