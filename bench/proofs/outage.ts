import { setTimeout as delay } from 'node:timers/promises'
import { wasSeen } from '../../lib/learn/duplicates.ts'
import type { Pipeline } from '../../lib/service/open-pipeline.ts'
import { readState } from '../../lib/service/read-state.ts'
import { apiKeys } from '../../test/support/tcp-proxy.ts'
import { type Camera, camera, checkPlaces } from './camera.ts'
import { type LiveApart, liveApart, type Member } from './live-apart.ts'
import type { Proof } from './proof.ts'

const partitions = 2
const everyMs = 100
const members: readonly Member[] = ['serve', 'embed', 'learn']
/** Without progress for so long after the broker is back, a role counts as a zombie. */
const patienceMs = 150_000
const settleMs = 3_000
const lookMs = 100
/** Answers to produce requests that are dropped, one after another. */
const lostAnswers = 5

/** Something that happens to the broker or the way to it; over when it resolves. */
interface Outage {
  readonly name: string
  run(): Promise<void>
}

/** How long after the broker's return each part worked again, s; absent: not within patience. */
type Recovery = Readonly<Record<'producers' | 'learn' | 'embed', number | undefined>>

/** Waits for a claim. @returns Seconds since `began`, unless patience runs out before. */
async function reached(began: number, holds: () => Promise<boolean>): Promise<number | undefined> {
  while (performance.now() - began < patienceMs) {
    if (await holds().catch(() => false)) return (performance.now() - began) / 1_000
    await delay(lookMs)
  }
  return undefined
}

function outages({ broker }: LiveApart, seconds: readonly number[], black: number): Outage[] {
  const down = (name: 'stop' | 'kill', length: number): Outage => ({
    name: `broker down ${length} s (${name === 'kill' ? 'kill -9' : 'SIGTERM'})`,
    run: async () => {
      await broker[name]()
      await delay(1_000 * length)
      await broker.start()
    },
  })
  return [
    ...seconds.flatMap((length) => [down('stop', length), down('kill', length)]),
    {
      name: `black hole ${black} s`,
      run: async () => {
        broker.proxy.mode('black-hole')
        await delay(1_000 * black)
        broker.proxy.mode('pass')
      },
    },
    {
      name: `${lostAnswers} answers dropped after the broker stored the batch`,
      run: async () => {
        broker.proxy.loseAnswers(apiKeys.produce, lostAnswers)
        while (broker.proxy.toLose() > 0) await delay(lookMs)
      },
    },
  ]
}

/** Until what was acknowledged by now is in a checkpoint of the learner, and in the index. */
async function settled(
  service: LiveApart,
  pipeline: Pipeline,
  { acknowledged }: Camera,
  began: number,
): Promise<Pick<Recovery, 'learn' | 'embed'>> {
  const goal = [...acknowledged]
  const [learn, embed] = await Promise.all([
    reached(began, async () => {
      const { seen } = (await readState(pipeline)).state
      return goal.every((id) => wasSeen(seen, id))
    }),
    reached(began, async () => {
      const { body } = await service.ask('serve', 'data', '/v1/release')
      return Number(body['vectors']) >= goal.length
    }),
  ])
  return { learn, embed }
}

/** When everybody works again. */
async function recovery(
  service: LiveApart,
  pipeline: Pipeline,
  pictures: Camera,
): Promise<Recovery> {
  const began = performance.now()
  let isNext = false
  void pictures.next().then(() => {
    isNext = true
  })
  const producers = await reached(began, async () => isNext)
  return { producers, ...(await settled(service, pipeline, pictures, began)) }
}

/**
 * Roles apart on a broker that goes away in every way, with pictures coming in all the time: nobody
 * helps, nothing is lost, nothing takes effect twice, no process lives on without doing anything.
 * Arguments: lengths of outages in s (default 5,40,180), length of the black hole in s (default 40).
 */
export const outage: Proof = async ([lengths = '5,40,180', black = '40']) => {
  const service = await liveApart({ partitions })
  try {
    for (const name of members) service.start(name)
    for (const name of members) {
      while (!(await service.isReady(name))) await delay(lookMs)
    }
    const pictures = camera(service, { partitions, everyMs })
    const pipeline = await service.open()
    await recovery(service, pipeline, pictures)
    const recovered: Recovery[] = []
    for (const { name, run } of outages(service, lengths.split(',').map(Number), Number(black))) {
      await delay(settleMs)
      const deaths = service.deaths.length
      const before = pictures.acknowledged.size
      await run()
      const during = pictures.acknowledged.size - before
      const one = await recovery(service, pipeline, pictures)
      recovered.push(one)
      const times = Object.entries(one).map(
        ([who, s]) => `${who} ${s === undefined ? 'NEVER' : `${s.toFixed(1)} s`}`,
      )
      const ended = service.deaths.slice(deaths)
      const said = `${name}: ${during} acknowledged meanwhile; after it ${times.join(', ')}; processes that ended ${[ended.length, ...ended].join(' · ')}`
      console.log(said)
    }
    await pictures.stop()
    const total = pictures.acknowledged.size
    const end = await settled(service, pipeline, pictures, performance.now())
    const codes = await service.stopAll()
    const { state } = await readState(pipeline)
    const lost = [...pictures.acknowledged].filter((id) => !wasSeen(state.seen, id)).length
    const twice = state.seen.applied - (total - lost)
    const { misplaced, repeated } = await checkPlaces(service.producer, pictures)
    await pipeline.close()
    const zombies = [...recovered, end].filter((one) =>
      Object.values(one).includes(undefined),
    ).length
    const refusals = [...pictures.refusals].map(([kind, count]) => `${kind} ${count}`)
    return {
      lines: [
        `${total} pictures acknowledged, ${pictures.places.size} of them on the topic, ${repeated} records there twice; not acknowledged at first: ${refusals.join(', ') || 'none'}`,
        `lost ${lost}, misplaced ${misplaced}, applied twice ${twice}, outages that something did not come back from ${zombies}; exit codes at the end ${codes.join(', ')}`,
      ],
      holds:
        lost + misplaced + twice + zombies === 0 && repeated > 0 && codes.every((c) => c === 0),
    }
  } finally {
    await service.dispose()
  }
}
