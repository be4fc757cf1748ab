import { MissingError } from '../errors.ts'
import { preprocessingHash } from '../image/fingerprint.ts'
import type { Registry } from '../registry/registry.ts'
import type { LearnerMemory, LearnerParts } from './learner-memory.ts'
import { versionModel } from './version-model.ts'

/** The version that a learner works with: it embeds newcomers, and candidates must beat it. */
export interface Champion {
  readonly version: string
  /** Why, in words. */
  readonly why: string
  /** Whether `stable` names it. */
  readonly isStable: boolean
}

/**
 * What `stable` names; where that takes other pictures than this history, its newest version.
 *
 * @param hash - Of the preprocessing of this history.
 * @returns `undefined` before there is one.
 */
export async function championOf(
  registry: Registry,
  lineage: string,
  hash: string,
): Promise<Champion | undefined> {
  const stable = await registry.stable.read()
  if (stable === undefined) return undefined
  const { preprocessing } = await registry.manifest(stable.manifest)
  if (preprocessing.hash === hash) {
    return { version: stable.version, why: stable.move.why, isStable: true }
  }
  for (const { version, manifest } of await registry.versions.list()) {
    const own = await registry.manifest(manifest)
    if (own.lineage !== lineage || own.preprocessing.hash !== hash) continue
    const why = `${stable.version} takes other pictures than lineage ${lineage}, which learns beside it until \`models promote\``
    return { version, why, isStable: false }
  }
  return undefined
}

/** Makes the champion of the day the one in memory and in the engine. */
export async function useChampion(
  { pipeline, config, thread, preprocessing, onEvent }: LearnerParts,
  memory: LearnerMemory,
): Promise<void> {
  const { registry } = pipeline
  const champion = await championOf(registry, config.lineage, preprocessingHash(preprocessing))
  if (champion === undefined) {
    throw new MissingError(`learner: expected a version for lineage ${config.lineage}, got none`)
  }
  const { version, why, isStable } = champion
  if (version === memory.champion?.version) return
  memory.champion = versionModel(await registry.loadVersion(version))
  const { files, mean } = memory.champion
  await thread.call.useModel({ files, mean })
  if (isStable) onEvent({ event: 'stable', version, why })
  else onEvent({ event: 'note', text: `works with ${version}: ${why}` })
}
