import { expect, it } from 'vitest'
import { openMetrics } from '../../lib/service/metrics.ts'
import { lagGauges } from '../../lib/service/metrics-lag.ts'
import type { Watermark } from '../../lib/stream/types.ts'

const topic = 'images.unlabeled'
const minute = 60_000

/** Gauges over a log, a reader and a clock that the test moves. */
function gauges() {
  const metrics = openMetrics('learn')
  const world = { low: 0, high: 0, position: 0 as number | undefined, now: 0 }
  const look = lagGauges({
    stream: {
      watermarks: async (): Promise<Watermark[]> => [
        { partition: `${topic}/0`, low: world.low, high: world.high },
      ],
    },
    topic,
    metrics,
    positions: () => (world.position === undefined ? {} : { [`${topic}/0`]: world.position }),
    retentionMs: 100 * minute,
    now: () => world.now,
  })
  const read = async () => {
    await look()
    const text = await metrics.text()
    const figureOf = (name: string) => {
      const found = new RegExp(`contrastream_${name}\\{[^}]*partition="0"[^}]*\\} (\\S+)`).exec(
        text,
      )
      return found === null ? undefined : Number(found[1])
    }
    return {
      records: figureOf('lag_records'),
      oldest: figureOf('lag_oldest_seconds'),
      retention: figureOf('retention_used_ratio'),
    }
  }
  return { world, read }
}

it('tells how old the oldest record is that is not done with, and what that is of the retention', async () => {
  const { world, read } = gauges()
  world.high = 10
  await read()
  world.now = 5 * minute
  world.high = 15
  await read()
  world.now = 20 * minute
  expect(await read()).toEqual({ records: 15, oldest: 1_200, retention: 0.2 })
  world.position = 10 // what came first is done
  expect(await read()).toEqual({ records: 5, oldest: 900, retention: 0.15 })
  world.position = 15
  expect(await read()).toEqual({ records: 0, oldest: 0, retention: 0 })
})

it('does not take a record that has just come for one that waits', async () => {
  const { world, read } = gauges()
  world.high = world.position = 7
  await read()
  world.now = 600 * minute
  world.high = 8
  expect(await read()).toEqual({ records: 1, oldest: 0, retention: 0 })
})

it('begins at the oldest record of the log where nothing is done yet', async () => {
  const { world, read } = gauges()
  world.low = 2
  world.high = 5
  world.position = undefined
  expect((await read()).records).toBe(3)
  world.position = 1 // left the log before it was done
  expect((await read()).records).toBe(3)
})

it('forgets no age however long it looks', async () => {
  const { world, read } = gauges()
  for (let i = 1; i <= 3_000; i += 1) {
    world.now = i * 1_000
    world.high = i
    await read()
  }
  expect((await read()).oldest).toBe(2_999)
  world.position = 2_500
  const { oldest = 0 } = await read()
  expect(oldest).toBeGreaterThanOrEqual(499)
  expect(oldest).toBeLessThan(510)
})
