import { expect, it } from 'vitest'
import { fewAtATime } from '../../lib/store/few-at-a-time.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

it('does all of it, never more at a time than allowed', async () => {
  const done: number[] = []
  let running = 0
  let most = 0
  await fewAtATime([1, 2, 3, 4, 5], 2, async (item) => {
    running += 1
    most = Math.max(most, running)
    await turn()
    running -= 1
    done.push(item)
  })
  expect([done.sort(), most]).toEqual([[1, 2, 3, 4, 5], 2])
})

it('begins nothing after a failure, and waits for what is under way', async () => {
  const begun: number[] = []
  const ended: number[] = []
  const all = fewAtATime([1, 2, 3, 4], 2, async (item) => {
    begun.push(item)
    if (item === 1) throw new Error('first')
    await turn()
    ended.push(item)
  })
  await expect(all).rejects.toThrow('first')
  expect([begun, ended]).toEqual([[1, 2], [2]])
})
