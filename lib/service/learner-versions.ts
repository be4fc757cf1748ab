import { CheckpointError } from '../errors.ts'
import { preprocessingHash } from '../image/fingerprint.ts'
import { type Outlets, type Publication, publish, releaseWithoutIndex } from '../learn/publish.ts'
import type { Manifest } from '../registry/manifest.ts'
import { manifestFile, type VersionFiles } from '../registry/version-files.ts'
import type { JsonObject } from '../store/types.ts'
import { championOf } from './learner-champion.ts'
import type { LearnerCheckpoints } from './learner-checkpoints.ts'
import type { LearnerMemory, LearnerParts } from './learner-memory.ts'
import { programVersion } from './program-version.ts'

/** Versions that a learner makes. */
export interface LearnerVersions {
  /** The manifest of a version of this learner, frozen now. */
  manifestOf(
    files: VersionFiles,
    more: Pick<Manifest, 'dim' | 'centred'> & Partial<Manifest>,
    n: number,
  ): Manifest
  /** Publishes under the manifest's number, with what is in memory; to be called exclusively. */
  publishNow(version: Omit<Publication, 'next'>): Promise<string>
  /** The number of the next version: above every other, so that histories can follow each other. */
  nextNumber(): Promise<number>
  /** Publishes the baseline at the first start of a history that no version serves yet. */
  publishBaseline(): Promise<void>
}

/** A value as JSON keeps it. */
export const plain = (value: unknown): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject

/** Versions out of the learner's memory. */
export function learnerVersions(
  parts: LearnerParts,
  memory: LearnerMemory,
  { content, keep, exclusively }: LearnerCheckpoints,
  out: Outlets,
): LearnerVersions {
  const { pipeline, config, engine, baseline, preprocessing, now } = parts
  const { registry } = pipeline

  const manifestOf: LearnerVersions['manifestOf'] = (files, more, n) => ({
    format: 1,
    name: config.name,
    lineage: config.lineage,
    n,
    at: now(),
    files: Object.entries(files).map(([path, bytes]) => manifestFile(path, bytes)),
    preprocessing: { hash: preprocessingHash(preprocessing), settings: plain(preprocessing) },
    engine: engine.name,
    offsets: { ...memory.offsets },
    software: { contrastream: programVersion, node: process.versions.node },
    fence: out.fence,
    ...more,
  })

  const publishNow = async (version: Omit<Publication, 'next'>): Promise<string> => {
    if (memory.saved === undefined)
      throw new CheckpointError('publish: expected a checkpoint before')
    const model = { ...memory.saved.head.model, next: version.manifest.n }
    const next = { ...content({ round: undefined }), model }
    const done = await publish(memory.saved, { ...version, next }, out)
    keep(done.saved)
    return done.entry.version
  }

  const nextNumber = async (): Promise<number> => {
    const own = memory.saved?.head.model.next ?? 1
    const free = await registry.versions.next()
    const last = await registry.versions.get(free - 1)
    if (free <= own || last === undefined) return own
    // Versions of this very history that its checkpoint does not know: the publish will stop there.
    const { lineage } = await registry.manifest(last.manifest)
    return lineage === config.lineage ? own : free
  }

  return {
    manifestOf,
    publishNow,
    nextNumber,
    publishBaseline: async () => {
      const hash = preprocessingHash(preprocessing)
      if ((await championOf(registry, config.lineage, hash)) !== undefined) return
      const { files, dim } = baseline
      const manifest = manifestOf(files, { dim, centred: false }, await nextNumber())
      await exclusively(() => publishNow({ manifest, files }))
      await releaseWithoutIndex(out, { promotion: 'auto' })
    },
  }
}
