import { describe, expect, it, onTestFinished } from 'vitest'
import { preprocessingHash } from '../../lib/image/fingerprint.ts'
import type { Preprocessing } from '../../lib/image/options.ts'
import { preprocess } from '../../lib/image/preprocess.ts'
import { pixelBytes } from '../../lib/image/preprocessing.ts'
import { saveArtifact } from '../../lib/model/artifact.ts'
import { embedMatrix } from '../../lib/model/encoder.ts'
import { flatten } from '../../lib/model/flatten.ts'
import { blockOf } from '../../lib/search/seal.ts'
import type { VersionModel } from '../../lib/service/version-model.ts'
import { type VersionThread, versionThread } from '../../lib/service/version-thread.ts'
import { idOf, neighboursByLoop, rowOf, unitRows } from '../search/support.ts'
import { engine } from '../support/engine.ts'

const preprocessing: Preprocessing = {
  size: 16,
  channels: 'grey',
  background: '#808080',
  mean: [127.5],
  std: [127.5],
}
const dim = 256
const stamp = { version: 'v1-0123456789ab', preprocessingHash: preprocessingHash(preprocessing) }

async function started(): Promise<VersionThread> {
  const network = flatten({ size: 16, channels: 1 })
  const files = { ...(await saveArtifact(network)) }
  network.dispose()
  const mean = new Float32Array(dim).fill(0.01)
  const model: VersionModel = { ...stamp, digest: 'd', files, mean, dim, preprocessing }
  const thread = await versionThread(model, { engine: engine.name, maxVectors: 1_000 })
  onTestFinished(() => thread.close())
  return thread
}

describe('versionThread', () => {
  it('embeds as this thread would', async () => {
    const thread = await started()
    const pixels = Uint8Array.from(
      { length: 3 * pixelBytes(preprocessing) },
      (_, i) => (i * 7) % 251,
    )
    const network = flatten({ size: 16, channels: 1 })
    const mean = new Float32Array(dim).fill(0.01)
    const expected = await embedMatrix(network, [preprocess(pixels, preprocessing)], { mean })
    network.dispose()
    expect(await thread.embed(pixels)).toEqual(expected)
  })

  it('searches what it was given, but not by vectors of another model', async () => {
    const thread = await started()
    const vectors = unitRows(20, dim)
    const ids = Array.from({ length: 20 }, (_, i) => idOf(i))
    expect(await thread.add(ids, vectors)).toBe(20)
    expect(await thread.mask([idOf(4)])).toBe(19)
    const query = unitRows(1, dim, 5)
    const visible = neighboursByLoop({ ids, vectors }, rowOf(query, 0), 20)
    const expected = visible.filter(({ id }) => id !== idOf(4)).slice(0, 3)
    expect(await thread.search({ ...stamp, vectors: query }, 3)).toEqual([expected])
    const other = { ...stamp, version: 'v2-0123456789ab', vectors: query }
    await expect(thread.search(other, 3)).rejects.toMatchObject({ code: 'VERSION_MISMATCH' })
  })

  it('measures an index of blocks that it asks for one by one', async () => {
    const thread = await started()
    const rows = Array.from({ length: 30 }, (_, i) => ({
      id: idOf(i),
      at: i,
      vector: rowOf(unitRows(30, dim), i),
    }))
    const blocks = [blockOf(rows.slice(0, 20), dim), blockOf(rows.slice(20), dim)]
    const block = async (i: number) => blocks[i] as (typeof blocks)[number]
    expect(await thread.recall({ ...stamp, dim, sizes: [20, 10], block })).toBe(1)
  })

  it('does not start with a model that does not load', async () => {
    const files = { 'model.json': new Uint8Array(3), 'weights.bin': new Uint8Array(3) }
    const model = { ...stamp, digest: 'd', files, mean: undefined, dim, preprocessing }
    const starting = versionThread(model, { engine: engine.name, maxVectors: 1 })
    await expect(starting).rejects.toMatchObject({ code: 'ARTIFACT' })
  })
})
