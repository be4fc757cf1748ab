import type { Matrix } from '../engine/matrix.ts'
import { MissingError } from '../errors.ts'
import { preprocess } from '../image/preprocess.ts'
import { pixelBytes } from '../image/preprocessing.ts'
import { loadArtifact } from '../model/artifact.ts'
import { embedMatrix } from '../model/encoder.ts'
import type { Registry } from '../registry/registry.ts'
import { type VersionModel, versionModel } from './version-model.ts'

/** A version that embeds pictures in this process. */
export interface ServedModel extends VersionModel {
  /**
   * Vectors of decoded pixels, shape [n, dim].
   *
   * @param mean - What they are centred on; absent: the version's own mean, if it has one.
   */
  embed(pixels: Uint8Array, mean?: Float32Array): Promise<Matrix>
  dispose(): void
}

const embeddedAtOnce = 128

/** The version that a name stands for: `stable`, `previous`, `baseline`, or its own. */
export async function resolveVersion(registry: Registry, name: string): Promise<string> {
  if (name === 'previous') {
    const previous = (await registry.stable.read())?.previous
    if (previous !== undefined) return previous.version
    throw new MissingError('previous: expected a release before the stable one, there is none')
  }
  if (name === 'stable') {
    const stable = await registry.stable.read()
    if (stable !== undefined) return stable.version
    throw new MissingError('stable: expected a published version, there is none; `run` makes one')
  }
  if (name !== 'baseline') return name
  const first = (await registry.versions.list()).at(-1)
  if (first === undefined) throw new MissingError('baseline: expected a version, there is none')
  return first.version
}

/** Opens a published version on the engine of this process. The caller disposes it. */
export async function servedModel(registry: Registry, name: string): Promise<ServedModel> {
  const model = versionModel(await registry.loadVersion(await resolveVersion(registry, name)))
  const network = await loadArtifact(model.files)
  const each = pixelBytes(model.preprocessing)
  return {
    ...model,
    embed: (pixels, mean = model.mean) => {
      function* batches() {
        for (let at = 0; at < pixels.length; at += embeddedAtOnce * each) {
          yield preprocess(pixels.subarray(at, at + embeddedAtOnce * each), model.preprocessing)
        }
      }
      return embedMatrix(network, batches(), mean === undefined ? {} : { mean })
    },
    dispose: () => network.dispose(),
  }
}
