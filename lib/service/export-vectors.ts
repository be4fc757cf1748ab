import { randomUUID } from 'node:crypto'
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MissingError, StoreError } from '../errors.ts'
import { heldOutPictures } from '../learn/held-out.ts'
import { emptyState, type LearnerState } from '../learn/state.ts'
import type { Block } from '../search/block.ts'
import type { Generation } from '../search/generation.ts'
import { generations } from '../search/generations.ts'
import { loadBlock } from '../search/load-generation.ts'
import { fitMapAxes, landmarkSample, type MapAxes, pointsOf } from '../search/map-axes.ts'
import { readMap } from '../search/map-document.ts'
import { clusterNames } from './cluster-names.ts'
import { erasedIds } from './erasures.ts'
import {
  clustersCsv,
  csvForm,
  type ExportedPicture,
  type ExportForm,
  projectorConfig,
  projectorForm,
} from './export-forms.ts'
import type { Pipeline } from './open-pipeline.ts'
import { readState } from './read-state.ts'
import { resolveVersion } from './served-model.ts'

/** More points than that the projector does not show. */
const mostProjected = 100_000

const rowsAtOnce = 500

/** A version's index, and what is known of its pictures. */
interface Exported {
  readonly pipeline: Pipeline
  readonly generation: Generation
  readonly state: LearnerState
  readonly names: ReadonlyMap<number, string>
}

async function* blocksOf({ pipeline, generation }: Exported): AsyncGenerator<Block> {
  for (const one of generation.blocks) yield await loadBlock(pipeline.blobs, generation, one)
}

/** The axes of the version's map; of one that nobody has looked at yet, those of its pictures. */
async function axesOf(exported: Exported): Promise<MapAxes> {
  const { pipeline, generation } = exported
  const kept = await readMap(pipeline.documents, generation.version)
  if (kept !== undefined) return kept.axes
  const sample = landmarkSample(generation.dim)
  for await (const block of blocksOf(exported)) sample.add(block)
  return fitMapAxes(sample.landmarks())
}

/** Each picture once, those left out that were erased, or are more than `most`. */
async function* picturesOf(exported: Exported, most: number): AsyncGenerator<ExportedPicture> {
  const { pipeline, generation, state, names } = exported
  const erased = await erasedIds(pipeline.documents)
  const ids = new Set<string>()
  for await (const block of blocksOf(exported)) {
    for (const id of block.ids) if (!erased.has(id)) ids.add(id)
  }
  // Ids are digests: the smallest are drawn at random.
  const left = new Set(ids.size <= most ? ids : [...ids].sort().slice(0, most))
  if (left.size === 0) throw new MissingError(`${generation.id}: expected pictures, it has none`)
  const axes = await axesOf(exported)
  const heldOut = new Map(heldOutPictures(state.heldOut).map((one) => [one.id, one]))
  for await (const { ids: some, vectors } of blocksOf(exported)) {
    const { x, y } = pointsOf(vectors, axes)
    for (const [row, id] of some.entries()) {
      if (!left.delete(id)) continue
      const entry = state.buffer.entries.get(id)
      const cluster = entry?.identity
      yield {
        id,
        source: (entry ?? heldOut.get(id))?.source ?? '',
        cluster,
        name: cluster === undefined ? undefined : names.get(cluster),
        x: x[row] as number,
        y: y[row] as number,
        vector: vectors.data.subarray(row * vectors.dim, (row + 1) * vectors.dim),
      }
    }
  }
}

/** Writes pictures to the files of a form, and says how many there were. */
async function writePictures(
  folder: string,
  { heads, lines }: ExportForm,
  pictures: AsyncIterable<ExportedPicture>,
): Promise<number> {
  const files = await Promise.all(Object.keys(heads).map((path) => open(join(folder, path), 'wx')))
  const texts = Object.values(heads).map((head) => (head === '' ? '' : `${head}\n`))
  const flush = async (): Promise<void> => {
    for (const [i, text] of texts.entries()) await files[i]?.appendFile(text)
    texts.fill('')
  }
  let rows = 0
  try {
    for await (const picture of pictures) {
      for (const [i, line] of lines(picture).entries()) texts[i] += `${line}\n`
      rows += 1
      if (rows % rowsAtOnce === 0) await flush()
    }
    await flush()
    return rows
  } finally {
    await Promise.all(files.map((file) => file.close()))
  }
}

/**
 * Writes the vectors of a version's index with what is known of their pictures, for other tools.
 *
 * @param form - `csv`: `vectors.csv` and `clusters.csv`; `projector`: what TensorBoard's projector
 * reads, 100,000 pictures at most.
 * @param folder - Absent or empty.
 * @returns The version, and its pictures that were written.
 * @throws {@link MissingError} if there is no such version, or it has no index that is ready;
 * {@link ArtifactError} if a block is damaged; {@link StoreError} if the folder cannot be written
 * or is not empty.
 */
export async function exportVectors(
  pipeline: Pipeline,
  name: string,
  form: 'csv' | 'projector',
  folder: string,
): Promise<{ readonly version: string; readonly rows: number }> {
  const { registry, documents } = pipeline
  const entry = await registry.versions.resolve(await resolveVersion(registry, name))
  const attempts = entry && (await generations(documents).list(entry.version))
  const generation = attempts?.findLast(({ state }) => state === 'ready')
  if (entry === undefined || generation === undefined) {
    throw new MissingError(`${name}: expected a version with an index that is ready, got none`)
  }
  const state = await readState(pipeline).then(
    (read) => read.state,
    (error: unknown) => {
      if (error instanceof MissingError) return emptyState
      throw error
    },
  )
  const names = await clusterNames(documents, state)
  const { version } = entry
  const { preprocessing, dim, gate } = await registry.manifest(entry.manifest)
  const draft = `${folder}.draft-${randomUUID()}`
  try {
    await mkdir(draft, { recursive: true })
    const isCsv = form === 'csv'
    const most = isCsv ? Number.POSITIVE_INFINITY : mostProjected
    const pictures = picturesOf({ pipeline, generation, state, names }, most)
    const rows = await writePictures(draft, isCsv ? csvForm : projectorForm, pictures)
    const clusters = (state.clusters?.known ?? []).map(({ identity: id, ...known }) => {
      return { ...known, id, name: names.get(id) }
    })
    const more = isCsv
      ? (['clusters.csv', clustersCsv(clusters)] as const)
      : (['projector_config.pbtxt', projectorConfig(version)] as const)
    await writeFile(join(draft, more[0]), more[1])
    const description = {
      ...{ format: 1, version, manifest: entry.manifest, generation: generation.id },
      ...{ preprocessing, dim, rows, ...(gate && { gate }) },
    }
    await writeFile(join(draft, 'export.json'), `${JSON.stringify(description, null, 2)}\n`)
    await rename(draft, folder)
    return { version, rows }
  } catch (cause) {
    await rm(draft, { recursive: true, force: true }).catch(() => undefined) // the cause counts
    if (!(cause instanceof Error && 'errno' in cause)) throw cause
    const message = `export: expected to write to ${folder}, got: ${cause.message}`
    throw new StoreError(message, { cause })
  }
}
