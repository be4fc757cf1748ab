import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { busyGuard } from '../../lib/cloud/busy-guard.ts'
import type { RoleStatuses } from '../../lib/service/role.ts'

const training = { learn: { round: { number: 1 } } } as unknown as RoleStatuses
const building = { embed: { building: { id: 'v2.1' } } } as unknown as RoleStatuses
const idle = { learn: { round: undefined } } as unknown as RoleStatuses
const minute = 60_000

function world() {
  const asked: (number | 'release')[] = []
  const told: string[] = []
  const clock = { ms: 0, refuses: false }
  const answer = async (what: number | 'release'): Promise<void> => {
    asked.push(what)
    if (clock.refuses) throw new Error('no')
  }
  const guard = busyGuard({
    protection: { protect: answer, release: () => answer('release') },
    now: () => clock.ms,
    tell: (text) => told.push(text),
  })
  const at = async (ms: number, statuses: RoleStatuses): Promise<void> => {
    clock.ms = ms
    guard.onStatus(statuses)
    await turn()
  }
  return { asked, told, clock, at }
}

it('asks for protection when a round begins, and gives it back when it ends', async () => {
  const { asked, at } = world()
  await at(0, idle)
  await at(1_000, training)
  await at(2_000, training)
  await at(3_000, idle)
  await at(4_000, idle)
  expect(asked).toEqual([60, 'release'])
})

it('protects the making of an index, too', async () => {
  const { asked, at } = world()
  await at(0, building)
  expect(asked).toEqual([60])
})

it('renews it well before it ends', async () => {
  const { asked, at } = world()
  for (let minutes = 0; minutes <= 50; minutes += 1) await at(minutes * minute, training)
  expect(asked).toEqual([60, 60, 60])
})

it('tells of a refusal, and asks again after a while', async () => {
  const { asked, told, clock, at } = world()
  clock.refuses = true
  await at(0, training)
  await at(29_000, training)
  clock.refuses = false
  await at(30_000, training)
  expect(asked).toEqual([60, 60])
  expect(told).toEqual(['no'])
})

it('protects a second round right after the first', async () => {
  const { asked, at } = world()
  await at(0, training)
  await at(1_000, idle)
  await at(2_000, training)
  expect(asked).toEqual([60, 'release', 60])
})
