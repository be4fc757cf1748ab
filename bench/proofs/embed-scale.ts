import { setTimeout as delay } from 'node:timers/promises'
import { readTopic } from '../../lib/service/read-topic.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import { liveApart, type Member } from './live-apart.ts'
import { quantile } from './live-load.ts'
import { newPicture } from './live-service.ts'
import type { Proof } from './proof.ts'

const partitions = 2
const deadlineMs = 60_000
const lookMs = 50
/** Vectors may differ by so much where they are not the same to the last bit. */
const tolerance = 1e-6

/** What processes of `embed` made of the pictures. */
interface Embedded {
  /** Pictures a second, from the first one sent until all vectors are on their topic. */
  readonly speed: number
  /** Bytes of the vectors by image id. */
  readonly vectors: ReadonlyMap<string, Uint8Array>
}

/** Embeds pictures by so many processes, in a pipeline of its own. */
async function embedBy(
  members: readonly Member[],
  pictures: readonly Uint8Array[],
): Promise<Embedded> {
  // One thread a process: a network that is large enough for the embedding to take the time.
  const service = await liveApart({
    partitions,
    settings: { model: { backbone: 'mobilenet-v2', recipe: 'head' }, image: { size: 96 } },
  })
  const { producer } = service
  const untilReady = async (name: Member): Promise<void> => {
    while (!(await service.isReady(name))) await delay(lookMs)
  }
  const count = async (): Promise<number> =>
    (await producer.watermarks(topicNames.embedded)).reduce((sum, { high }) => sum + high, 0)
  try {
    service.start('learn') // publishes the first version
    await untilReady('learn')
    await service.stop('learn')
    for (const name of members) service.start(name)
    for (const name of members) await untilReady(name)
    const began = performance.now()
    const sent = pictures.map(async (value, i) => {
      const record = { value, partition: i % partitions }
      const [result] = await producer.send(topicNames.unlabeled, [record], { deadlineMs })
      if (result?.outcome !== 'acked') throw new Error(`embed-scale: got ${result?.outcome}`)
    })
    await Promise.all(sent)
    while ((await count()) < pictures.length) await delay(lookMs)
    const speed = (pictures.length / (performance.now() - began)) * 1_000
    const vectors = new Map<string, Uint8Array>()
    await readTopic(producer, topicNames.embedded, 'embed-scale', (records) => {
      for (const { key, value } of records) {
        vectors.set(Buffer.from(key ?? []).toString('utf8'), value.slice())
      }
    })
    if (service.deaths.length > 0) throw new Error(`embed-scale: ${service.deaths.join(', ')}`)
    return { speed, vectors }
  } finally {
    await service.dispose()
  }
}

const floats = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer)

/** Largest difference of two runs in any number; infinite where one lacks a picture. */
function difference(one: Embedded['vectors'], other: Embedded['vectors']): number {
  if (one.size !== other.size) return Number.POSITIVE_INFINITY
  let most = 0
  for (const [id, bytes] of one) {
    const others = other.get(id)
    if (others?.length !== bytes.length) return Number.POSITIVE_INFINITY
    if (Buffer.compare(bytes, others) === 0) continue
    const theirs = floats(others)
    for (const [i, value] of floats(bytes).entries()) {
      most = Math.max(most, Math.abs(value - (theirs[i] ?? Number.POSITIVE_INFINITY)))
    }
  }
  return most
}

/**
 * One process that embeds beside two that share the partitions, in turns: the speed-up, and whether
 * the vectors are the same. Arguments: pictures (default 600), turns of both (default 2).
 */
export const embedScale: Proof = async ([count = '600', turns = '2']) => {
  const pictures = await Promise.all(Array.from({ length: Number(count) }, (_, i) => newPicture(i)))
  const crews = { one: ['embed'], two: ['embed', 'embed-2'] } as const
  const speeds = { one: [] as number[], two: [] as number[] }
  let first: Embedded['vectors'] | undefined
  let apart = 0
  for (let turn = 0; turn < Number(turns); turn += 1) {
    const order = turn % 2 === 0 ? (['one', 'two'] as const) : (['two', 'one'] as const)
    for (const crew of order) {
      const { speed, vectors } = await embedBy(crews[crew], pictures)
      console.log(`${crews[crew].length} × embed: ${speed.toFixed(1)} pictures/s`)
      speeds[crew].push(speed)
      first ??= vectors
      apart = Math.max(apart, vectors.size === pictures.length ? difference(first, vectors) : 1)
    }
  }
  const [one, two] = [quantile(speeds.one, 0.5), quantile(speeds.two, 0.5)]
  const same = apart === 0 ? 'the same to the last bit' : `apart by ${apart} at most`
  return {
    lines: [
      `${pictures.length} pictures at 96 px by mobilenet-v2 on wasm, ${turns} turns: 1 process ${one.toFixed(1)}, 2 processes ${two.toFixed(1)} pictures/s: ${(two / one).toFixed(2)} ×`,
      `vectors of ${first?.size} pictures in all runs: ${same}`,
    ],
    holds: apart <= tolerance,
  }
}
