import { setTimeout as delay } from 'node:timers/promises'
import { type Random, randomStream } from '../../lib/engine/random.ts'
import { wasSeen } from '../../lib/learn/duplicates.ts'
import { readState } from '../../lib/service/read-state.ts'
import { type Camera, camera, checkPlaces } from './camera.ts'
import { found } from './found.ts'
import { type LiveApart, liveApart, type Member } from './live-apart.ts'
import { quantile } from './live-load.ts'
import type { Proof } from './proof.ts'

const partitions = 2
const everyMs = 200
const members: readonly Member[] = ['serve', 'embed', 'embed-2', 'learn', 'learn-2']
/** One kill in so many hits the broker; one is a sleep longer than lease and session. */
const brokerOneIn = 10
const sleepOneIn = 20
const sleepMs = 50_000
const settleMs = 1_000

/** Kills the broker, or a member, or lets one sleep. @returns What it did, in words. */
async function strike({ broker, pid }: LiveApart, random: Random): Promise<string> {
  if (random.integer(brokerOneIn) === 0) {
    await broker.kill()
    await broker.start()
    return 'broker'
  }
  const name = members[random.integer(members.length)] as Member
  if (random.integer(sleepOneIn) === 0) {
    const asleep = pid(name)
    process.kill(asleep, 'SIGSTOP')
    await delay(sleepMs)
    process.kill(asleep, 'SIGCONT')
    return `${name} asleep`
  }
  process.kill(pid(name), 'SIGKILL')
  return name
}

/** Until every process says of itself that it does its work, or stands by to do it. */
async function allReady(service: LiveApart): Promise<void> {
  for (const name of members) {
    await found(`${name} to be ready`, async () => (await service.isReady(name)) || undefined)
  }
}

/** What does not hold once everything acknowledged by now has arrived; the rest is waited for. */
async function broken(service: LiveApart, pictures: Camera): Promise<readonly string[]> {
  const goal = [...pictures.acknowledged]
  const places = new Map(pictures.places)
  const pipeline = await service.open()
  try {
    const { seen } = await found('everything acknowledged in a checkpoint', async () => {
      const { state } = await readState(pipeline).catch(() => ({ state: undefined }))
      return state !== undefined && goal.every((id) => wasSeen(state.seen, id)) ? state : undefined
    })
    await found('everything acknowledged in the index', async () => {
      const { body } = await service.ask('serve', 'data', '/v1/release')
      return Number(body['vectors']) >= goal.length || undefined
    })
    const { misplaced } = await checkPlaces(service.producer, { places })
    const { registry } = pipeline
    const stable = await registry.stable.read()
    const whole = await registry.loadVersion(stable?.version ?? '').then(
      () => true,
      () => false,
    )
    return [
      ...(misplaced > 0 ? [`misplaced ${misplaced}`] : []),
      // Every way may have one picture that took effect and is not acknowledged yet.
      ...(seen.applied > pictures.acknowledged.size + partitions + 1 ? ['applied twice'] : []),
      ...(whole ? [] : [`${stable?.version} does not load`]),
      ...(stable?.generation?.startsWith(stable.version) ? [] : ['a model without its index']),
    ]
  } finally {
    await pipeline.close()
  }
}

/**
 * Roles apart on Kafka and a bucket, of which processes and broker are killed at random while
 * pictures come in; after each kill everything acknowledged must arrive, once, without help.
 * Arguments: number of kills (default 200), seed (default 1).
 */
export const kills: Proof = async ([count = '200', seed = '1']) => {
  const service = await liveApart({ partitions })
  try {
    for (const name of members) service.start(name)
    await allReady(service)
    const random = randomStream(Number(seed), 'kills')
    const pictures = camera(service, { partitions, everyMs })
    const faults = [...(await broken(service, pictures))]
    const times: number[] = []
    for (let done = 0; done < Number(count); done += 1) {
      const what = await strike(service, random)
      const began = performance.now()
      await pictures.next()
      const some = await broken(service, pictures)
      await allReady(service)
      const seconds = (performance.now() - began) / 1_000
      times.push(seconds)
      faults.push(...some)
      console.log(`${done + 1} ${what}: ${seconds.toFixed(1)} s ${some.join(', ')}`)
      await delay(random.integer(2 * settleMs))
    }
    await pictures.stop()
    faults.push(...(await broken(service, pictures)))
    const pipeline = await service.open()
    const { state } = await readState(pipeline)
    await pipeline.close()
    const total = pictures.acknowledged.size
    const lost = [...pictures.acknowledged].filter((id) => !wasSeen(state.seen, id)).length
    const twice = state.seen.applied - (total - lost)
    const { misplaced, repeated } = await checkPlaces(service.producer, pictures)
    return {
      lines: [
        `${times.length} kills, seed ${seed}; until everybody worked again: median ${quantile(times, 0.5).toFixed(1)} s, longest ${Math.max(...times).toFixed(1)} s`,
        `${total} pictures acknowledged: lost ${lost}, applied twice ${twice}, misplaced ${misplaced}; ${repeated} records were on the topic twice`,
        `invariants broken on the way: ${[faults.length, ...faults].join(' · ')}`,
      ],
      holds: lost + twice + misplaced + faults.length === 0,
    }
  } finally {
    await service.dispose()
  }
}
