import { setTimeout as delay } from 'node:timers/promises'
import { checkConfig } from '../../lib/config/load.ts'
import { manifestBytes } from '../../lib/registry/manifest.ts'
import { openPipeline } from '../../lib/service/open-pipeline.ts'
import { continuousLoad, p99 } from './live-load.ts'
import { type LiveService, liveService, newPicture, until } from './live-service.ts'
import type { Proof } from './proof.ts'

const steadyMs = 20_000

/** Publishes the newest version once more under other numbers: each is loaded like any other. */
async function publishAgain(service: LiveService, times: number): Promise<readonly string[]> {
  const pipeline = await openPipeline(checkConfig({ data: service.data }))
  try {
    const { registry, blobs } = pipeline
    const { manifest } = await registry.loadVersion(service.versions[1])
    const names: string[] = []
    for (let n = manifest.n + 1; n <= manifest.n + times; n += 1) {
      const digest = await blobs.put('models', manifestBytes({ ...manifest, n }))
      names.push((await registry.versions.create(n, digest)).version)
    }
    return names
  } finally {
    await pipeline.close()
  }
}

/**
 * Refreshes of model and index under continuous embed and search load from another process. Three
 * versions take turns: of two, the other one would be kept in memory and nothing be loaded.
 * Arguments: number of refreshes, default 200.
 */
export const refresh: Proof = async ([count = '200']) => {
  const service = await liveService()
  try {
    const pictures = await Promise.all(Array.from({ length: 8 }, (_, i) => newPicture(i)))
    const names = [service.versions[1], ...(await publishAgain(service, 2))]
    let turn = 0
    const goOn = async (): Promise<void> => {
      const expects = names[turn % names.length]
      turn += 1
      const next = names[turn % names.length]
      await until(async () => {
        const { status } = await service.post(`/v1/models/${next}/promote`, { expects })
        return status === 200
      })
      await until(async () => (await service.release())['model'] === next)
    }
    for (const _ of names) await goOn() // their indexes are made
    const load = continuousLoad(service, pictures)
    await delay(steadyMs)
    const steady = load.answers.length
    for (let done = 0; done < Number(count); done += 1) await goOn()
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
