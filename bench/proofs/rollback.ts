import { setTimeout as delay } from 'node:timers/promises'
import { continuousLoad, quantile } from './live-load.ts'
import { liveService, newPicture, until } from './live-service.ts'
import type { Proof } from './proof.ts'

const boundMs = 2_000

/**
 * Rollbacks under continuous load: the time until every answer names the old version.
 * Arguments: number of rollbacks, default 20.
 */
export const rollback: Proof = async ([count = '20']) => {
  const service = await liveService()
  try {
    const [old, present] = service.versions
    const pictures = await Promise.all(Array.from({ length: 8 }, (_, i) => newPicture(i)))
    const load = continuousLoad(service, pictures)
    const times: number[] = []
    for (let done = 0; done < Number(count); done += 1) {
      const began = performance.now()
      const from = load.answers.length
      await service.post('/v1/rollback', { expects: present })
      await until(async () => (await service.release())['model'] === old)
      await delay(500) // answers that were under way
      const last = load.answers.slice(from).findLast(({ body }) => body['model'] !== old)
      times.push((last?.at ?? began) - began)
      await service.post(`/v1/models/${present}/promote`, { expects: old })
      await until(async () => (await service.release())['model'] === present)
    }
    await load.stop()
    const failed = load.answers.filter(({ status }) => status !== 200)
    const longest = Math.max(...times)
    return {
      lines: [
        `${count} rollbacks, ${load.answers.length} requests, failed: ${failed.length}`,
        `until every answer names the old version: median ${quantile(times, 0.5).toFixed(0)} ms, longest ${longest.toFixed(0)} ms, at most ${boundMs}`,
      ],
      holds: failed.length === 0 && longest < boundMs,
    }
  } finally {
    await service.stop()
    service.remove()
  }
}
