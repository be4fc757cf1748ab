import { ArtifactError, MissingError } from '../errors.ts'
import type { BlobStore, Digest, DocumentStore } from '../store/types.ts'
import { type Audit, audit } from './audit.ts'
import { type Channel, channel } from './channels.ts'
import { type Manifest, maxManifestBytes, readManifest } from './manifest.ts'
import { soundBlob } from './sound-blob.ts'
import { type VersionFiles, verifyFiles } from './version-files.ts'
import { versionId } from './version-id.ts'
import { type VersionEntry, type Versions, versions } from './versions.ts'

/** What {@link openRegistry} needs. */
export interface RegistryParts {
  readonly documents: DocumentStore
  readonly blobs: BlobStore
  /** Name of the pipeline. */
  readonly name: string
}

/** A version and its manifest's digest, as its document and channels name it. */
export type Named = Pick<VersionEntry, 'version' | 'manifest'>

/** A version with everything it is made of, verified. */
export interface LoadedVersion {
  readonly version: string
  /** Digest of the manifest. */
  readonly digest: Digest
  readonly manifest: Manifest
  /** The manifest as it is stored. */
  readonly manifestBytes: Uint8Array
  readonly files: VersionFiles
}

/** Versions, channels and audit of one pipeline. */
export interface Registry extends RegistryParts {
  readonly versions: Versions
  readonly candidate: Channel
  readonly stable: Channel
  readonly audit: Audit
  /**
   * The manifest with that digest.
   *
   * @throws {@link ArtifactError} if it is missing, damaged or malformed.
   */
  manifest(digest: Digest): Promise<Manifest>
  /**
   * A version's manifest and files: sizes and digests equal, none missing, none unlisted.
   *
   * @param name - As `Versions.resolve` takes it.
   * @throws {@link MissingError} if there is no such version, {@link ArtifactError} if it is damaged.
   */
  loadVersion(name: string): Promise<LoadedVersion>
  /** {@link loadVersion} of what a channel names; needs no document of the version. */
  load(named: Named): Promise<LoadedVersion>
}

/** Opens the registry that lives in these stores. Reads nothing yet. */
export function openRegistry(parts: RegistryParts): Registry {
  const { documents, blobs } = parts
  const known = versions(documents)

  async function bytesOf(what: string, digest: Digest, maxBytes: number): Promise<Uint8Array> {
    const bytes = await soundBlob(blobs, 'models', digest, maxBytes)
    if (bytes) return bytes
    throw new ArtifactError(`${what}: expected blob ${digest}, it is missing or damaged`)
  }
  const bytesOfManifest = (digest: Digest): Promise<Uint8Array> =>
    bytesOf('manifest', digest, maxManifestBytes)

  async function load({ version, manifest: digest }: Named): Promise<LoadedVersion> {
    const manifestBytes = await bytesOfManifest(digest)
    const manifest = readManifest(manifestBytes)
    if (versionId(manifest.n, digest) !== version) {
      throw new ArtifactError(`${version}: expected its own manifest, got v${manifest.n}'s`)
    }
    const pairs = manifest.files.map(async ({ path, sha256, bytes }) => {
      return [path, await bytesOf(`${version} ${path}`, sha256, bytes)] as const
    })
    const files = Object.fromEntries(await Promise.all(pairs))
    verifyFiles(manifest, files)
    return { version, digest, manifest, manifestBytes, files }
  }

  return {
    ...parts,
    versions: known,
    candidate: channel(documents, 'candidate'),
    stable: channel(documents, 'stable'),
    audit: audit(documents),
    manifest: async (digest) => readManifest(await bytesOfManifest(digest)),
    load,
    async loadVersion(name) {
      const entry = await known.resolve(name)
      if (entry) return load(entry)
      throw new MissingError(`${name}: expected a version, there is none of that name`)
    },
  }
}
