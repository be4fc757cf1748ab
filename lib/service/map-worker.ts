import { parentPort } from 'node:worker_threads'
import { EngineError } from '../errors.ts'
import { digestOf } from '../registry/digest.ts'
import { type Block, decodeBlock } from '../search/block.ts'
import type { Generation, GenerationBlock } from '../search/generation.ts'
import {
  fitMapAxes,
  landmarkSample,
  type MapAxes,
  type MapPoints,
  pointsOf,
} from '../search/map-axes.ts'
import { mapColumns, type PictureFacts, type PlacedBlock } from '../search/map-columns.ts'
import { landmarkId } from '../search/map-document.ts'
import { connect, type Handlers, Moved } from './rpc.ts'

/** What the thread of maps asks of the one that started it. */
export interface MapHost extends Handlers {
  /** Bytes of a block; absent if it is gone or damaged. */
  readonly block: (
    asked: Pick<GenerationBlock, 'digest' | 'rows'> & Pick<Generation, 'dim'>,
  ) => Promise<Uint8Array | undefined>
}

/** What a map shows. */
type Shown = Pick<Generation, 'blocks' | 'dim'>

async function load({ digest, rows }: GenerationBlock, dim: number): Promise<Block | undefined> {
  const bytes = await host.block({ digest, rows, dim })
  return bytes && decodeBlock(bytes)
}

/** Blocks that were placed last, and on which axes. */
let last: { readonly axes: string; readonly placed: ReadonlyMap<string, PlacedBlock> } | undefined

const handlers = {
  /** Fits the axes of a map, and answers with them where its landmarks lie. */
  fit: async ({
    generation: { blocks, dim },
    before,
  }: {
    readonly generation: Shown
    readonly before: MapPoints | undefined
  }): Promise<{ readonly axes: MapAxes; readonly landmarks: MapPoints } | undefined> => {
    const sample = landmarkSample(dim)
    for (const one of blocks) {
      const block = await load(one, dim)
      if (block !== undefined) sample.add(block)
    }
    const { ids, vectors } = sample.landmarks()
    if (ids.length === 0) return undefined
    const short = ids.map(landmarkId)
    const axes = fitMapAxes({ ids: short, vectors }, before)
    return { axes, landmarks: { ids: short, ...pointsOf(vectors, axes) } }
  },

  /** The columns of a map; only blocks that were not there before are read. */
  columns: async ({
    generation: { blocks, dim },
    axes,
    ...facts
  }: PictureFacts & { readonly generation: Shown; readonly axes: MapAxes }) => {
    const name = digestOf(new Uint8Array(axes.weights.data.buffer)) + axes.offset.join()
    const known = last?.axes === name ? last.placed : undefined
    const placed = new Map<string, PlacedBlock>()
    for (const one of blocks) {
      const present = known?.get(one.digest)
      const block = present === undefined ? await load(one, dim) : undefined
      if (present !== undefined) placed.set(one.digest, present)
      if (block === undefined) continue
      const { ids, times, vectors } = block
      placed.set(one.digest, { ids, times, ...pointsOf(vectors, axes) })
    }
    last = { axes: name, placed }
    const { points, bytes } = mapColumns(placed.values(), facts)
    const etag = digestOf(bytes).slice(0, 32)
    return new Moved({ etag, points, bytes }, [bytes.buffer as ArrayBuffer])
  },
}

/** What the thread of maps answers. */
export type MapCalls = typeof handlers

if (parentPort === null) throw new EngineError('map-worker: expected to run in a worker thread')
const host = connect<MapHost>(parentPort, handlers)
