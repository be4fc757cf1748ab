import { setTimeout as delay } from 'node:timers/promises'
import { continuousLoad, p99 } from './live-load.ts'
import { liveService, newPicture, until } from './live-service.ts'
import type { Proof } from './proof.ts'

const steadyMs = 20_000

/**
 * Refreshes of model and index under continuous embed and search load from another process.
 * Arguments: number of refreshes, default 200.
 */
export const refresh: Proof = async ([count = '200']) => {
  const service = await liveService()
  try {
    const pictures = await Promise.all(Array.from({ length: 8 }, (_, i) => newPicture(i)))
    const load = continuousLoad(service, pictures)
    await delay(steadyMs)
    const steady = load.answers.length
    for (let done = 0; done < Number(count); done += 1) {
      const [first, second] = service.versions
      const present = (await service.release())['model']
      const next = present === first ? second : first
      await service.post(`/v1/models/${next}/promote`, { expects: present })
      await until(async () => (await service.release())['model'] === next)
    }
    await load.stop()
    const failed = load.answers.filter(({ status }) => status !== 200)
    const before = p99(load.answers.slice(0, steady))
    const during = p99(load.answers.slice(steady))
    return {
      lines: [
        `${count} refreshes, ${load.answers.length} requests, failed: ${failed.length}`,
        `p99 steady ${before.toFixed(1)} ms, during refreshes ${during.toFixed(1)} ms: ${(during / before).toFixed(2)} ×, at most 2 ×`,
      ],
      holds: failed.length === 0 && during <= 2 * before,
    }
  } finally {
    await service.stop()
    service.remove()
  }
}
