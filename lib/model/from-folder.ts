import { ArtifactError } from '../errors.ts'
import { artifactDigest, folderReader } from './artifact.ts'
import { asBackbone, type Backbone } from './backbone.ts'
import { loadModel, type ReadModelFile } from './load-model.ts'
import type { Normalisation } from './options.ts'

/** Pixels to −1…1, as most networks of TensorFlow want them. */
const symmetric = 127.5

/** Reads the files of a model over HTTP, no more of each than was announced. */
function urlReader(where: string, manifest: URL): ReadModelFile {
  return async (path, maxBytes) => {
    const url = path === 'model.json' ? manifest : new URL(path, manifest)
    const fail = (got: string, cause?: unknown): never => {
      throw new ArtifactError(`${where}: expected to read ${url}, got ${got}`, { cause })
    }
    const parts: Uint8Array[] = []
    let length = 0
    try {
      const response = await fetch(url)
      if (!response.ok) return fail(`status ${response.status}`)
      for await (const part of response.body ?? []) {
        parts.push(part)
        length += part.length
        if (length > maxBytes) return fail(`more than ${maxBytes} bytes`)
      }
    } catch (cause) {
      if (cause instanceof ArtifactError) throw cause
      return fail(cause instanceof Error ? cause.message : String(cause), cause)
    }
    const whole = new Uint8Array(length)
    parts.reduce((at, part) => {
      whole.set(part, at)
      return at + part.length
    }, 0)
    return whole
  }
}

/**
 * Any TensorFlow.js LayersModel as a backbone.
 *
 * @param location - Folder, path of its `model.json`, or an http(s) URL of either. Weights are
 * looked for beside `model.json`.
 * @param normalisation - How its pictures must look. Default: (pixel − 127.5) / 127.5.
 * @returns The network with a map of features pooled to one row. The caller disposes it.
 * @throws {@link ArtifactError} for a missing or wrong `model.json`, missing weights, a wrong
 * number of bytes, unknown layers, or a network that does not map pictures to features.
 */
export async function modelFromFolder(
  location: string,
  normalisation?: Normalisation,
): Promise<Backbone> {
  const where = `modelFromFolder(${location})`
  const isUrl = /^https?:\/\//.test(location)
  const base = location.replace(/\/?(model\.json)?$/, '')
  const read = isUrl
    ? urlReader(where, new URL(`${base}/model.json`))
    : folderReader(where, base === '' ? '.' : base)
  const { network, files } = await loadModel(where, read)
  const channels = network.inputs[0]?.shape.at(-1) ?? 0
  const each = Array.from({ length: channels }, () => symmetric)
  return asBackbone(
    where,
    network,
    normalisation ?? { mean: each, std: each },
    artifactDigest(files),
  )
}
