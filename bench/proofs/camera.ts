import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { readTopic } from '../../lib/service/read-topic.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import type { StreamPort } from '../../lib/stream/types.ts'
import type { LiveApart } from './live-apart.ts'
import { newPicture } from './live-service.ts'

/** Pictures that come without end, on the topic and over HTTP. */
export interface Camera {
  /** Ids of all pictures that were acknowledged, on either way. */
  readonly acknowledged: ReadonlySet<string>
  /** Of those sent to the topic: where the broker says it stored which picture. */
  readonly places: ReadonlyMap<string, string>
  /** Answers other than an acknowledgement, by kind; each picture was then sent again. */
  readonly refusals: ReadonlyMap<string, number>
  /** Resolves once each way has had one acknowledgement more. */
  next(): Promise<void>
  /** Ends it once the pictures under way are acknowledged. */
  stop(): Promise<void>
}

/** What a camera is told. */
export interface CameraOptions {
  readonly partitions: number
  /** Between two pictures of one way, ms. */
  readonly everyMs: number
}

/** The longest that a producer waits for one answer. */
const deadlineMs = 20_000
/** Before the same picture is sent once more. */
const againMs = 200

export const idOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Sends new pictures to each partition of the topic, and by HTTP to `serve`. */
export function camera(service: LiveApart, { partitions, everyMs }: CameraOptions): Camera {
  const acknowledged = new Set<string>()
  const places = new Map<string, string>()
  const refusals = new Map<string, number>()
  let taken = 0
  let isOver = false

  /** Tries once. @returns What was answered instead of an acknowledgement. */
  type Send = (bytes: Uint8Array, id: string) => Promise<string | undefined>
  const produce =
    (partition: number): Send =>
    async (value, id) => {
      const record = { value, partition, headers: { source: `camera-${partition}` } }
      const [result] = await service.producer.send(topicNames.unlabeled, [record], { deadlineMs })
      if (result?.outcome !== 'acked') return `${result?.outcome} ${result?.reason}`
      places.set(`${result.partition}@${result.offset}`, id)
      return undefined
    }
  const post: Send = async (body) => {
    const headers = { 'content-type': 'image/png' }
    const { status } = await service.ask('serve', 'data', '/v1/images', {
      ...{ method: 'POST', headers, body: body as Uint8Array<ArrayBuffer> },
    })
    return status === 202 ? undefined : `HTTP ${status}`
  }

  const ways = [...Array.from({ length: partitions }, (_, i) => produce(i)), post].map((send) => ({
    send,
    done: 0,
  }))
  const working = ways.map(async (way) => {
    while (!isOver) {
      taken += 1
      const bytes = await newPicture(taken)
      const id = idOf(bytes)
      for (;;) {
        const refusal = await way.send(bytes, id)
        if (refusal === undefined) break
        refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1)
        await delay(againMs)
      }
      acknowledged.add(id)
      way.done += 1
      await delay(everyMs)
    }
  })
  return {
    acknowledged,
    places,
    refusals,
    next: async () => {
      const before = ways.map(({ done }) => done)
      while (ways.some(({ done }, i) => done === before[i])) await delay(20)
    },
    stop: async () => {
      isOver = true
      await Promise.all(working)
    },
  }
}

/**
 * Acknowledged places of the topic that do not hold their picture, and pictures that it holds more
 * than once: a record whose answer was lost is sent again.
 */
export async function checkPlaces(stream: StreamPort, { places }: Pick<Camera, 'places'>) {
  const found = new Map<string, string>()
  await readTopic(stream, topicNames.unlabeled, 'camera-check', (records, partition) => {
    for (const { offset, value } of records) found.set(`${partition}@${offset}`, idOf(value))
  })
  return {
    misplaced: [...places].filter(([place, id]) => found.get(place) !== id).length,
    repeated: found.size - new Set(found.values()).size,
  }
}
