import type { EngineName } from '../engine/select.ts'
import type { ImageLimits } from '../image/options.ts'
import type { Named, Registry } from '../registry/registry.ts'
import type { VersionEmbedder } from './embedder-parts.ts'
import type { Metrics } from './metrics.ts'
import { measuredDecoders } from './metrics-decoders.ts'
import { versionModel } from './version-model.ts'
import { versionThread } from './version-thread.ts'

/** Settings of {@link versionEmbedder}. */
export interface VersionEmbedderOptions {
  readonly engine: EngineName | 'auto'
  readonly limits: ImageLimits
  /** Decoder processes, ≥ 1. */
  readonly processes: number
  /** Counts and times what it does. */
  readonly metrics: Metrics
}

/**
 * Loads a version to embed pictures: its model in a thread, its decoders in processes.
 *
 * @throws {@link ArtifactError} if the version is damaged.
 */
export async function versionEmbedder(
  registry: Registry,
  named: Named,
  { engine, limits, processes, metrics }: VersionEmbedderOptions,
): Promise<VersionEmbedder> {
  const model = versionModel(await registry.load(named))
  const { version, preprocessingHash, preprocessing, dim } = model
  const thread = await versionThread(model, { engine, maxVectors: 1 })
  const pool = measuredDecoders({ processes, limits, preprocessing }, metrics)
  return {
    version,
    preprocessingHash,
    dim,
    decoders: pool,
    embed: async (pixels) => {
      const begun = performance.now()
      const vectors = await thread.embed(pixels)
      metrics.observe('embed_seconds', {}, (performance.now() - begun) / 1_000)
      return vectors
    },
    recall: thread.recall,
    close: async () => {
      await pool.close()
      await thread.close()
    },
  }
}
