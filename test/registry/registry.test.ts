import { describe, expect, it } from 'vitest'
import { ArtifactError, MissingError, StoreError } from '../../lib/errors.ts'
import { manifestBytes } from '../../lib/registry/manifest.ts'
import { openRegistry, type Registry } from '../../lib/registry/registry.ts'
import { smallModel, storeModel } from '../support/models.ts'
import { type TemporaryStores, temporaryStores } from '../support/stores.ts'

const open = (stores: Pick<TemporaryStores, 'documents' | 'blobs'>): Registry =>
  openRegistry({ ...stores, name: 'main' })

describe('loadVersion', () => {
  it('gives manifest and files as they were stored', async () => {
    const registry = open(temporaryStores())
    const model = smallModel(1)
    const entry = await storeModel(registry, model)
    const loaded = await registry.loadVersion('v1')
    expect(loaded).toEqual({
      ...model,
      version: entry.version,
      digest: entry.manifest,
      manifestBytes: manifestBytes(model.manifest),
    })
  })

  it('knows no version that was not made', async () => {
    await expect(open(temporaryStores()).loadVersion('v1')).rejects.toThrow(MissingError)
  })

  it('refuses a version of which a file is missing, and names the file', async () => {
    const { documents, blobs, wall } = temporaryStores()
    const registry = open({ documents, blobs })
    const { manifest } = smallModel(1)
    await storeModel(registry, smallModel(1))
    wall.ms += 10
    await blobs.delete('models', manifest.files[1]?.sha256 ?? '', { olderThanMs: 1 })
    const loading = registry.loadVersion('v1')
    await expect(loading).rejects.toThrow(ArtifactError)
    await expect(loading).rejects.toThrow('weights.bin')
  })

  it('refuses a file that is larger than its manifest says', async () => {
    const { documents, blobs } = temporaryStores()
    const registry = open({ documents, blobs })
    const { manifest, files } = smallModel(1)
    const lying = manifest.files.map((file) => ({ ...file, bytes: 1 }))
    await storeModel(registry, { files, manifest: { ...manifest, files: lying } })
    await expect(registry.loadVersion('v1')).rejects.toThrow(ArtifactError)
  })

  it('refuses the manifest of another number', async () => {
    const registry = open(temporaryStores())
    const { manifest } = await storeModel(registry, smallModel(1))
    await registry.versions.create(2, manifest)
    await expect(registry.loadVersion('v2')).rejects.toThrow('expected its own manifest, got v1')
  })

  it('does not take a store out of reach for damage', async () => {
    const { documents, blobs } = temporaryStores()
    await storeModel(open({ documents, blobs }), smallModel(1))
    const away = new StoreError('get: away', { retryable: true })
    const registry = open({ documents, blobs: { ...blobs, get: () => Promise.reject(away) } })
    await expect(registry.loadVersion('v1')).rejects.toThrow(away)
  })
})

describe('load', () => {
  it('needs no document of the version', async () => {
    const registry = open(temporaryStores())
    const { version, manifest } = await storeModel(registry, smallModel(1))
    await registry.documents.remove('versions/1', await tagOf(registry, 'versions/1'))
    expect((await registry.load({ version, manifest })).manifest).toEqual(smallModel(1).manifest)
  })
})

async function tagOf({ documents }: Registry, key: string): Promise<string> {
  const found = await documents.read(key)
  return found === undefined || found === 'unchanged' ? '' : found.tag
}
