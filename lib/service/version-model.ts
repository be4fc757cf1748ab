import { ArtifactError } from '../errors.ts'
import type { Preprocessing } from '../image/options.ts'
import type { ModelFiles } from '../model/artifact.ts'
import type { LoadedVersion } from '../registry/registry.ts'

/** A published version, ready for an engine. */
export interface VersionModel {
  readonly version: string
  /** Digest of the manifest. */
  readonly digest: string
  /** `model.json` and `weights.bin`. */
  readonly files: ModelFiles
  readonly mean: Float32Array | undefined
  readonly dim: number
  readonly preprocessing: Preprocessing
  readonly preprocessingHash: string
}

/** Names of the files of a version beside the network's. */
export const meanFile = 'mean.bin'
/** Centroids of the round's clustering, float32, row by row. */
export const centroidsFile = 'centroids.bin'

/** Bytes of float32 numbers, little-endian, as every platform of Node has them. */
export function floatBytes(values: Float32Array): Uint8Array {
  return new Uint8Array(
    values.buffer.slice(values.byteOffset, values.byteOffset + values.byteLength),
  )
}

/** Numbers from {@link floatBytes}. */
export function bytesToFloats(bytes: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer)
}

/** A version's model. @throws {@link ArtifactError} if its mean has another length than `dim`. */
export function versionModel({ version, digest, manifest, files }: LoadedVersion): VersionModel {
  const { [meanFile]: meanBytes, [centroidsFile]: _, ...network } = files
  const mean = meanBytes === undefined ? undefined : bytesToFloats(meanBytes)
  if (mean !== undefined && mean.length !== manifest.dim) {
    throw new ArtifactError(
      `${version} ${meanFile}: expected ${manifest.dim} numbers, got ${mean.length}`,
    )
  }
  return {
    version,
    digest,
    files: network,
    mean,
    dim: manifest.dim,
    preprocessing: manifest.preprocessing.settings as unknown as Preprocessing,
    preprocessingHash: manifest.preprocessing.hash,
  }
}
