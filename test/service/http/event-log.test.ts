import { expect, it } from 'vitest'
import { eventLog } from '../../../lib/service/http/event-log.ts'

const append = (log: ReturnType<typeof eventLog>, ...numbers: number[]) => {
  for (const n of numbers) log.append({ event: 'tick', n } as never)
}
/** The next so many frames that are no heartbeats. */
async function frames(following: AsyncGenerator<string>, count: number): Promise<string[]> {
  const found: string[] = []
  while (found.length < count) {
    const { value, done } = await following.next()
    if (done) break
    if (!String(value).startsWith(':')) found.push(value)
  }
  return found
}
const numbersOf = (all: readonly string[]) =>
  all.map((frame) => Number(/"n":(\d+)/.exec(frame)?.[1] ?? Number.NaN))
const idOf = (frame: string | undefined) => /^id: (\S+)/.exec(frame ?? '')?.[1]

it('tells a follower what happens from now on', async () => {
  const log = eventLog()
  append(log, 1)
  const stop = new AbortController()
  const following = log.follow(undefined, stop.signal)
  await following.next()
  append(log, 2, 3)
  expect(numbersOf(await frames(following, 2))).toEqual([2, 3])
  stop.abort()
  expect(await frames(following, 1)).toEqual([])
})

it('goes on behind the last event that was seen', async () => {
  const log = eventLog()
  const stop = new AbortController()
  const following = log.follow(undefined, stop.signal)
  await following.next()
  append(log, 1, 2, 3)
  const [first] = await frames(following, 1)
  const again = log.follow(idOf(first), stop.signal)
  expect(numbersOf(await frames(again, 2))).toEqual([2, 3])
  stop.abort()
})

it('says that events are missing, to a follower who was away or too slow', async () => {
  const log = eventLog(2)
  const stop = new AbortController()
  const following = log.follow(undefined, stop.signal)
  await following.next()
  append(log, 1, 2, 3, 4)
  const all = await frames(following, 3)
  expect(all[0]).toContain('event: gap')
  expect(numbersOf(all.slice(1))).toEqual([3, 4])
  const resumed = log.follow(idOf(all[0]), stop.signal)
  expect(numbersOf(await frames(resumed, 2))).toEqual([3, 4])
  stop.abort()
})

it.each(['00000000-1', 'nonsense', '', '-5'])('takes %j for an id of another start', async (id) => {
  const log = eventLog()
  append(log, 1)
  const stop = new AbortController()
  const all = await frames(log.follow(id, stop.signal), 2)
  expect(all[0]).toContain('event: gap')
  expect(numbersOf(all.slice(1))).toEqual([1])
  stop.abort()
})
