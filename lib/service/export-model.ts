import { writeModelFolder } from '../model/artifact.ts'
import type { Registry } from '../registry/registry.ts'
import { resolveVersion } from './served-model.ts'
import { floatBytes, meanFile, versionModel } from './version-model.ts'

/**
 * Writes a version as plain TensorFlow.js reads it, with what is needed to use it rightly.
 *
 * `mean.bin` holds float32 numbers to subtract from the L2-normalised output, which is normalised
 * again then; it is absent where vectors are not centred.
 *
 * @param folder - Absent or empty.
 * @returns The version.
 * @throws {@link MissingError} if there is no such version, {@link StoreError} if the folder cannot
 * be written or is not empty.
 */
export async function exportModel(
  registry: Registry,
  name: string,
  folder: string,
): Promise<string> {
  const loaded = await registry.loadVersion(await resolveVersion(registry, name))
  const { version, digest, manifest } = loaded
  const { files, mean } = versionModel(loaded)
  const { preprocessing, dim, centred, gate } = manifest
  const description = {
    format: 1,
    version,
    manifest: digest,
    preprocessing,
    dim,
    centred,
    ...(gate && { gate }),
  }
  await writeModelFolder(folder, {
    ...files,
    ...(mean && { [meanFile]: floatBytes(mean) }),
    'export.json': new TextEncoder().encode(`${JSON.stringify(description, null, 2)}\n`),
  })
  return version
}
