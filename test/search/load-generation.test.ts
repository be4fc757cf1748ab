import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ArtifactError } from '../../lib/errors.ts'
import { generations } from '../../lib/search/generations.ts'
import { loadGeneration } from '../../lib/search/load-generation.ts'
import { sealRows } from '../../lib/search/seal.ts'
import '../support/engine.ts'
import { flipByte } from '../store/local-harness.ts'
import { temporaryStores } from '../support/stores.ts'
import { filled, noLimits, pictureRows, sealed } from './generation-support.ts'
import { idOf, stamp } from './support.ts'

it('is the index of all blocks', async () => {
  const stores = temporaryStores()
  const all = generations(stores.documents)
  const generation = await sealRows(
    stores.blobs,
    all,
    await filled(stores, 8_192),
    sealed(8_192, 8_200),
    noLimits,
  )
  const index = await loadGeneration(stores.blobs, generation)
  expect([index.size, index.version, index.dim]).toEqual([8_200, stamp.version, 4])
  const [row] = pictureRows(8_192, 8).slice(5)
  const vectors = { rows: 1, dim: 4, data: row?.vector as Float32Array }
  expect(await index.search({ ...stamp, vectors }, 1)).toMatchObject([[{ id: idOf(8_197) }]])
  index.dispose()
})

it('keeps the newest where not all fit', async () => {
  const stores = temporaryStores()
  const index = await loadGeneration(stores.blobs, await filled(stores, 30), { maxVectors: 10 })
  const vectors = { rows: 1, dim: 4, data: Float32Array.of(1, 0, 0, 0) }
  const [found] = await index.search({ ...stamp, vectors }, 30)
  const newest = Array.from({ length: 10 }, (_, i) => idOf(20 + i))
  expect(found?.map(({ id }) => id).sort()).toEqual(newest.sort())
  index.dispose()
})

it('refuses a block that is missing, damaged or of another size than it says', async () => {
  const stores = temporaryStores()
  const generation = await filled(stores, 3)
  const [block] = generation.blocks as [(typeof generation.blocks)[number]]
  const withBlock = (changes: Partial<typeof block>) =>
    loadGeneration(stores.blobs, { ...generation, blocks: [{ ...block, ...changes }] })
  await expect(withBlock({ digest: 'b'.repeat(64) })).rejects.toThrow(ArtifactError)
  await expect(withBlock({ rows: 4 })).rejects.toThrow('expected [4, 4] in block')
  const { digest } = block
  await flipByte(join(stores.folder, 'blobs', 'index', digest.slice(0, 2), digest), 40)
  await expect(withBlock({})).rejects.toThrow('it is missing or damaged')
})
