import { type LayersModel, type ModelArtifacts, tf } from '../engine/tf.ts'
import { ArtifactError } from '../errors.ts'
import { readManifest } from './weights-manifest.ts'

/**
 * Reads one file of a model.
 *
 * @param path - Relative to the model, with slashes.
 * @param maxBytes - A longer file may be refused before it is read whole.
 * @throws {@link ArtifactError} if there is none.
 */
export type ReadModelFile = (path: string, maxBytes: number) => Promise<Uint8Array>

/** A network and the bytes that it was made of, by path. */
export interface LoadedModel {
  readonly network: LayersModel
  readonly files: Readonly<Record<string, Uint8Array>>
}

/** A topology is text: even huge networks need a few hundred kilobytes. */
const maxManifestBytes = 32 * 2 ** 20

function joined(parts: readonly Uint8Array[]): ArrayBuffer {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole.buffer
}

/**
 * Loads a TensorFlow.js LayersModel from wherever its files are, sizes checked first.
 *
 * @param where - Names the model in messages.
 * @throws {@link ArtifactError} for a wrong `model.json`, a missing file, too few or too many bytes
 * of weights, layers that TensorFlow.js does not know, or weights that do not fit them.
 */
export async function loadModel(where: string, read: ReadModelFile): Promise<LoadedModel> {
  const json = await read('model.json', maxManifestBytes)
  const { topology, groups } = readManifest(where, json)
  const files: Record<string, Uint8Array> = { 'model.json': json }
  for (const { paths, bytes } of groups) {
    let found = 0
    for (const path of paths) {
      const file = await read(path, bytes - found)
      files[path] = file
      found += file.length
    }
    if (found !== bytes) {
      const message = `${paths.join(', ')} must have ${bytes} bytes, got ${found}`
      throw new ArtifactError(`${where}: ${message}`)
    }
  }
  const artifacts: ModelArtifacts = {
    modelTopology: topology,
    weightSpecs: groups.flatMap(({ specs }) => specs) as NonNullable<ModelArtifacts['weightSpecs']>,
    weightData: joined(groups.flatMap(({ paths }) => paths.map((path) => files[path] ?? json))),
  }
  try {
    return { network: await tf.loadLayersModel(tf.io.fromMemory(artifacts)), files }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `${where}: expected layers and weights that fit, got: ${reason}`
    throw new ArtifactError(message, { cause })
  }
}
