import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { emptyState } from '../../lib/learn/state.ts'
import { generations } from '../../lib/search/generations.ts'
import { type PictureRow, sealRows } from '../../lib/search/seal.ts'
import { nameCluster } from '../../lib/service/cluster-names.ts'
import { requestErasure } from '../../lib/service/erasures.ts'
import { exportVectors } from '../../lib/service/export-vectors.ts'
import type { Pipeline } from '../../lib/service/open-pipeline.ts'
import { onPipeline, temporaryFolder, writeState } from '../cli/support.ts'
import { dim, noLimits, partition, pictureRows, sealed } from '../search/generation-support.ts'
import { move, smallModel, storeModel } from '../support/models.ts'

const rows = pictureRows(0, 30)
const source = 'shelf, "left"\n'

/** A stable version with an index of thirty pictures; the first is in a cluster with a name. */
async function withIndex<T>(work: (pipeline: Pipeline, folder: string) => Promise<T>): Promise<T> {
  const folder = temporaryFolder()
  return onPipeline(folder, async (pipeline) => {
    const { registry, documents, blobs } = pipeline
    const entry = await storeModel(registry, smallModel(1))
    await registry.stable.move(entry, { move })
    const all = generations(documents)
    const { version, manifest } = entry
    const begun = await all.create({ version, manifest, preprocessing: 'p', dim, at: 1 }, 1)
    const entered = await all.update(begun.id, (present) => ({
      ...present,
      state: 'ready',
      next: { [partition]: 0 },
      follow: { [partition]: 0 },
    }))
    await sealRows(blobs, all, entered, { ...sealed(0, 30), rows }, noLimits)
    const { id } = rows[0] as PictureRow
    const known = {
      id,
      source,
      at: 1,
      group: id,
      arrival: 0,
      half: 'recent' as const,
      untrusted: 0,
    }
    await writeState(pipeline, {
      ...emptyState,
      buffer: { ...emptyState.buffer, entries: new Map([[id, { ...known, identity: 4 }]]) },
      clusters: {
        ...{ k: 2, chosenAt: 1, nextIdentity: 5, model: 'm', events: [] },
        known: [{ identity: 4, bornIn: 2, size: 1, cohesion: 0.5 }],
        centroids: { rows: 1, dim: 2, data: Float32Array.of(1, 0) },
        mean: Float32Array.of(0, 0),
      },
    })
    await nameCluster(documents, 4, 'tins')
    return work(pipeline, folder)
  })
}

it('writes every vector so that it comes back as it was, with what is known of its picture', () =>
  withIndex(async (pipeline, folder) => {
    const out = join(folder, 'made', 'vectors')
    const gone = rows[7] as PictureRow
    await requestErasure(pipeline.documents, gone.id, { by: 'ada', at: 1, why: 'asked' })
    const done = await exportVectors(pipeline, 'stable', 'csv', out)
    expect(done.rows).toBe(29)
    expect(readdirSync(out).sort()).toEqual(['clusters.csv', 'export.json', 'vectors.csv'])
    const text = readFileSync(join(out, 'vectors.csv'), 'utf8')
    expect(text).toContain(`${rows[0]?.id},"shelf, ""left""\n",4,tins,`)
    expect(text).not.toContain(gone.id)
    for (const { id, vector } of rows.filter((one) => one !== gone)) {
      const line = text.slice(text.indexOf(id)).replace('left""\n', '').split('\n')[0] as string
      const numbers = line.slice(line.lastIndexOf(',') + 1).split(' ')
      expect(Float32Array.from(numbers, Number)).toEqual(Float32Array.from(vector))
    }
    expect(readFileSync(join(out, 'clusters.csv'), 'utf8')).toBe(
      'id,name,size,cohesion,bornIn\n4,tins,1,0.5,2\n',
    )
    expect(JSON.parse(readFileSync(join(out, 'export.json'), 'utf8'))).toMatchObject({
      ...{ version: done.version, generation: `${done.version}.1`, rows: 29 },
    })
  }))

it('writes what the projector reads, a line of numbers for each line of words', () =>
  withIndex(async (pipeline, folder) => {
    const out = join(folder, 'projector')
    await exportVectors(pipeline, 'v1', 'projector', out)
    const linesOf = (name: string) => readFileSync(join(out, name), 'utf8').trimEnd().split('\n')
    const vectors = linesOf('vectors.tsv')
    const [head, ...words] = linesOf('metadata.tsv')
    expect(head).toBe('id\tsource\tcluster\tname')
    expect([vectors.length, words.length]).toEqual([30, 30])
    expect(words).toContain(`${rows[0]?.id}\tshelf, "left" \t4\ttins`)
    const at = words.findIndex((line) => line.startsWith(String(rows[3]?.id)))
    const numbers = Float32Array.from(String(vectors[at]).split('\t'), Number)
    expect(numbers).toEqual(Float32Array.from(rows[3]?.vector ?? []))
    const config = readFileSync(join(out, 'projector_config.pbtxt'), 'utf8')
    expect(config).toContain('tensor_path: "vectors.tsv"')
  }))

it('leaves a folder alone that holds anything, and nothing behind', () =>
  withIndex(async (pipeline, folder) => {
    const out = join(folder, 'full')
    mkdirSync(out)
    writeFileSync(join(out, 'mine.txt'), 'mine')
    await expect(exportVectors(pipeline, 'stable', 'csv', out)).rejects.toMatchObject({
      code: 'STORE',
    })
    expect(readdirSync(out)).toEqual(['mine.txt'])
    expect(readdirSync(folder).filter((name) => name.includes('draft'))).toEqual([])
  }))
