import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { preprocessingHash } from '../image/fingerprint.ts'
import type { Preprocessing } from '../image/options.ts'
import type { ModelFiles } from '../model/artifact.ts'
import type { Registry } from '../registry/registry.ts'
import { resolveVersion } from './served-model.ts'
import { versionModel } from './version-model.ts'

/** A model to begin from: its files, or the folder that has them. */
export type WarmModel = { readonly files: ModelFiles } | { readonly folder: string }

const descriptionSchema = z.looseObject({
  preprocessing: z.looseObject({
    hash: z.string(),
    settings: z.record(z.string(), z.unknown()),
  }),
})

/** How the pictures of a model folder must look, as `train` and `models export` wrote it. */
async function folderPreprocessing(folder: string) {
  const path = join(folder, 'export.json')
  const read = async () => descriptionSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  const { preprocessing } = await read().catch((cause: unknown) => {
    throw new ConfigError(
      `--warm-start: expected a folder that \`train\` or \`models export\` wrote, got no sound ${path}`,
      { cause },
    )
  })
  return preprocessing
}

/** @throws {@link ConfigError} naming the settings that differ. */
function expectSame(
  name: string,
  given: { readonly hash: string; readonly settings: Readonly<Record<string, unknown>> },
  expected: Preprocessing,
): void {
  if (given.hash === preprocessingHash(expected)) return
  const differing = Object.entries(expected)
    .filter(([key, value]) => JSON.stringify(given.settings[key]) !== JSON.stringify(value))
    .map(
      ([key, value]) =>
        `${key} ${JSON.stringify(given.settings[key])}, not ${JSON.stringify(value)}`,
    )
  throw new ConfigError(
    `--warm-start: expected a model that takes pictures as this run does, ${name} has ${differing.join('; ')}; give it the same image and backbone settings`,
  )
}

/**
 * The model that `--warm-start` names: a version, or a folder of `train` or `models export`.
 *
 * @throws {@link ConfigError} if its pictures look different from this run's;
 * {@link MissingError} if there is no such version.
 */
export async function warmModel(
  registry: Registry,
  name: string,
  preprocessing: Preprocessing,
): Promise<WarmModel> {
  const found = await stat(name).catch(() => undefined)
  if (found?.isDirectory()) {
    expectSame(name, await folderPreprocessing(name), preprocessing)
    return { folder: name }
  }
  const loaded = await registry.loadVersion(await resolveVersion(registry, name))
  expectSame(name, loaded.manifest.preprocessing, preprocessing)
  return { files: versionModel(loaded).files }
}
