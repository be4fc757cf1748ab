import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type LayersModel, type ModelArtifacts, tf } from '../engine/tf.ts'
import { ArtifactError, StoreError } from '../errors.ts'
import { loadModel, type ReadModelFile } from './load-model.ts'

/** A network as bytes: what plain `tf.loadLayersModel` reads from a folder. */
export type Artifact = {
  readonly 'model.json': Uint8Array
  readonly 'weights.bin': Uint8Array
}

/** Files of a model by path. */
export type ModelFiles = Readonly<Record<string, Uint8Array>>

/**
 * The bytes of a network. Equal networks with equal weights give equal bytes.
 *
 * @param network - It stays as it is, and the caller's.
 */
export async function saveArtifact(network: LayersModel): Promise<Artifact> {
  let saved: ModelArtifacts | undefined
  const handler = tf.io.withSaveHandler(async (artifacts) => {
    saved = artifacts
    return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } }
  })
  await network.save(handler)
  const weights = tf.io.CompositeArrayBuffer.join(saved?.weightData)
  const description = {
    format: 'layers-model',
    generatedBy: 'contrastream',
    convertedBy: null,
    modelTopology: saved?.modelTopology,
    weightsManifest: [{ paths: ['weights.bin'], weights: saved?.weightSpecs }],
  }
  return {
    'model.json': new TextEncoder().encode(JSON.stringify(description)),
    'weights.bin': new Uint8Array(weights),
  }
}

/**
 * The network that {@link saveArtifact} took the bytes of.
 *
 * @param files - `model.json` and the files that it lists, no other.
 * @returns The caller disposes it.
 * @throws {@link ArtifactError} as {@link loadModel}, and for a file that `model.json` does not list.
 */
export async function loadArtifact(files: ModelFiles): Promise<LayersModel> {
  const read = async (path: string): Promise<Uint8Array> => {
    const bytes = Object.hasOwn(files, path) ? files[path] : undefined
    if (bytes === undefined)
      throw new ArtifactError(`loadArtifact: expected ${path}, got no such file`)
    return bytes
  }
  const loaded = await loadModel('loadArtifact', read)
  const unlisted = Object.keys(files).find((path) => !Object.hasOwn(loaded.files, path))
  if (unlisted !== undefined) {
    loaded.network.dispose()
    throw new ArtifactError(`loadArtifact: expected listed files only, got ${unlisted}`)
  }
  return loaded.network
}

/** sha256 of bytes, 64 lower-case hex characters. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** One digest for all files of a model: sha256 of the list that `sha256sum` would print. */
export function artifactDigest(files: ModelFiles): string {
  const lines = Object.entries(files)
    .map(([path, bytes]) => `${path}\0${sha256(bytes)}\n`)
    .sort()
  return sha256(new TextEncoder().encode(lines.join('')))
}

/** What the file system said, as an error of ours. */
export function storeFault(where: string, path: string, cause: unknown): StoreError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown'
  const reasons: Readonly<Record<string, string>> = {
    ENOSPC: 'disk-full',
    EDQUOT: 'disk-full',
    EACCES: 'read-only',
    EPERM: 'read-only',
    EROFS: 'read-only',
  }
  const reason = reasons[code] ?? 'io'
  return new StoreError(`${where}: expected to write ${path}, got ${code}`, { cause, reason })
}

/** Reads the files of a model from a folder. */
export function folderReader(where: string, folder: string): ReadModelFile {
  return async (path, maxBytes) => {
    const file = join(folder, path)
    try {
      const { size } = await stat(file)
      if (size > maxBytes) {
        throw new ArtifactError(`${where}: ${file} must have ${maxBytes} bytes, got ${size}`)
      }
      return new Uint8Array(await readFile(file))
    } catch (cause) {
      if (cause instanceof ArtifactError) throw cause
      const code = (cause as NodeJS.ErrnoException).code
      throw new ArtifactError(`${where}: expected to read ${file}, got ${code}`, { cause })
    }
  }
}

/**
 * Writes the files of a model to a folder, all or none: they appear there by one rename.
 *
 * @param folder - Absent or empty; folders above it are made.
 * @throws {@link StoreError} with reason `disk-full`, `read-only` or `io` (also: not empty).
 */
export async function writeModelFolder(folder: string, files: ModelFiles): Promise<void> {
  const draft = `${folder}.draft-${randomUUID()}`
  try {
    for (const [path, bytes] of Object.entries(files)) {
      const file = join(draft, path)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, bytes, { flush: true })
    }
    await rename(draft, folder)
  } catch (cause) {
    await rm(draft, { recursive: true, force: true }).catch(() => undefined) // the cause counts
    throw storeFault('writeModelFolder', folder, cause)
  }
}
