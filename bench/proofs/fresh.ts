import { quantile } from './live-load.ts'
import { liveService, newPicture, until } from './live-service.ts'
import type { Proof } from './proof.ts'

const boundMs = 3_000

/**
 * Time from the first byte of a new picture to the first search that finds it.
 * Arguments: number of pictures, default 50.
 */
export const fresh: Proof = async ([count = '50']) => {
  const service = await liveService()
  try {
    const times: number[] = []
    for (let number = 0; number < Number(count); number += 1) {
      const picture = await newPicture(number)
      const began = performance.now()
      const { body } = await service.post('/v1/images', picture)
      await until(async () => {
        const found = await service.post('/v1/search?k=1', picture)
        const [nearest] = (found.body['neighbours'] ?? []) as readonly { readonly id: string }[]
        return nearest?.id === body['id']
      })
      times.push(performance.now() - began)
    }
    const [median, p90] = [quantile(times, 0.5), quantile(times, 0.9)]
    return {
      lines: [
        `${count} pictures, posted → found: median ${median.toFixed(0)} ms, p90 ${p90.toFixed(0)} ms, longest ${Math.max(...times).toFixed(0)} ms; median at most ${boundMs}`,
      ],
      holds: median <= boundMs,
    }
  } finally {
    await service.stop()
    service.remove()
  }
}
