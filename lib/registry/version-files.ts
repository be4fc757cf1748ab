import { ArtifactError } from '../errors.ts'
import { digestOf } from './digest.ts'
import type { Manifest, ManifestFile } from './manifest.ts'

/** Files of a version: bytes by path. */
export type VersionFiles = Readonly<Record<string, Uint8Array>>

/** Entry of a manifest's `files` for these bytes. */
export function manifestFile(path: string, bytes: Uint8Array): ManifestFile {
  return { path, bytes: bytes.length, sha256: digestOf(bytes) }
}

/**
 * Checks that files are exactly those of the manifest: none missing, none unlisted, sizes and
 * digests equal.
 *
 * @param manifest - What the files must be.
 * @param files - Bytes by path.
 * @throws {@link ArtifactError} naming the first file that differs.
 */
export function verifyFiles(manifest: Pick<Manifest, 'files'>, files: VersionFiles): void {
  const listed = new Map(manifest.files.map((file) => [file.path, file]))
  for (const path of Object.keys(files)) {
    if (!listed.has(path)) {
      throw new ArtifactError(`${path}: expected only files of the manifest, got an unlisted one`)
    }
  }
  for (const { path, bytes, sha256 } of manifest.files) {
    const found = files[path]
    if (found?.length !== bytes) {
      const got = found ? `${found.length}` : 'no file'
      throw new ArtifactError(`${path}: expected ${bytes} bytes, got ${got}`)
    }
    const digest = digestOf(found)
    if (digest !== sha256) {
      throw new ArtifactError(`${path}: expected sha256 ${sha256}, got ${digest}`)
    }
  }
}
