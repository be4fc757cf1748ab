import { checkConfig } from '../../lib/config/load.ts'
import { randomStream } from '../../lib/engine/random.ts'
import { defaultDecoderOptions } from '../../lib/service/decoders.ts'
import { openPipeline } from '../../lib/service/open-pipeline.ts'
import { readState } from '../../lib/service/read-state.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import { watchMemory } from './live-processes.ts'
import { type LiveService, liveService, until } from './live-service.ts'
import { hostilePictures } from './mutate-picture.ts'
import type { Proof } from './proof.ts'

const senders = 8
const mib = 2 ** 20
/** Settings of the service, so that the bounds below follow from them. */
const queueBytes = 256 * mib
/** The largest picture that is decoded, four bytes a pixel. */
const pictureBytes = 4 * 50e6
/** Program, engine, heap, and bodies or batches on their way: `lib/service/memory-bound.ts`. */
const roleBytes = (700 + 512) * mib + queueBytes
const decoderBytes = defaultDecoderOptions.maxResidentBytes + pictureBytes

/** Statuses that `POST /v1/images` may answer with. */
const documented = [202, 400, 413, 415, 429, 503]

function counted(values: Iterable<string>): string {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts]
    .sort()
    .map(([value, count]) => `${value} × ${count}`)
    .join(', ')
}

/** Records set aside, by code; both roles that read pictures set them aside. */
async function quarantined(service: LiveService): Promise<string> {
  const response = await fetch(`${service.address('admin')}/v1/quarantine`)
  const { byCode } = (await response.json()) as { readonly byCode: Record<string, number> }
  return Object.entries(byCode)
    .map(([code, count]) => `${code} × ${count}`)
    .join(', ')
}

/** Records that the learner has not read yet. */
async function unread({ data }: LiveService): Promise<number> {
  const pipeline = await openPipeline(checkConfig({ data }))
  try {
    const { head } = await readState(pipeline)
    const marks = await pipeline.stream.watermarks(topicNames.unlabeled)
    return marks.reduce(
      (sum, { partition, high }) => sum + high - (head.offsets[partition] ?? 0),
      0,
    )
  } finally {
    await pipeline.close()
  }
}

/**
 * Damaged, misnamed and malicious pictures by HTTP: nothing dies, memory is bounded, and each is
 * answered, and then applied or set aside with a reason.
 * Arguments: number of pictures (default 100,000), seed (default 1). SIGINT ends the sending early:
 * the figures are printed, and fall short.
 */
export const hostile: Proof = async ([count = '100000', seed = '1']) => {
  const random = randomStream(Number(seed), 'hostile')
  const pictures = await hostilePictures(Number(seed))
  const service = await liveService([`limits.queue=${queueBytes}B`])
  try {
    const memory = watchMemory(service)
    const statuses: number[] = []
    let begun = 0
    let isInterrupted = false
    process.once('SIGINT', () => {
      isInterrupted = true
    })
    const send = async (): Promise<void> => {
      while (begun < Number(count) && !isInterrupted) {
        begun += 1
        const { status } = await service.post('/v1/images', pictures.next(random))
        statuses.push(status)
      }
    }
    const began = performance.now()
    await Promise.all(Array.from({ length: senders }, send))
    const seconds = (performance.now() - began) / 1_000
    await until(
      () => service.events.findLast(({ event }) => event === 'progress')?.['behind'] === 0,
    )
    const aside = await quarantined(service)
    const peaks = [...(await memory.stop())]
    const code = await service.stop()
    const deaths = service.events.filter(({ event }) => event === 'restart').length
    const { applied, duplicates, quarantined: set } = service.events.at(-1) ?? {}
    const taken = statuses.filter((status) => status === 202).length
    const told = Number(applied) + Number(duplicates) + Number(set) - service.pictures
    const left = await unread(service)
    const odd = statuses.filter((status) => !documented.includes(status)).length
    const bound = (name: string) => (name.startsWith('decoder') ? decoderBytes : roleBytes)
    const isBounded = peaks.every(([name, bytes]) => bytes <= bound(name))
    const sizes = peaks.map(
      ([name, bytes]) =>
        `${name} ${Math.round(bytes / mib)} of ${Math.round(bound(name) / mib)} MiB`,
    )
    return {
      lines: [
        `${statuses.length} of ${count} pictures, seed ${seed}, ${(statuses.length / seconds).toFixed(0)}/s · answered ${counted(statuses.map(String))}`,
        `taken ${taken}; applied, repeated or set aside ${told}, not read yet ${left}; set aside by embed and learn: ${aside || 'none'}`,
        `peak resident memory: ${sizes.join(' · ')}`,
        `roles that died ${deaths}, answers that are not documented ${odd}, exit code ${code}`,
      ],
      holds:
        deaths === 0 &&
        odd === 0 &&
        code === 0 &&
        told + left === taken &&
        isBounded &&
        statuses.length === Number(count),
    }
  } finally {
    await service.stop()
    service.remove()
  }
}
