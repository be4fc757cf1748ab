import { parentPort } from 'node:worker_threads'
import type { Matrix } from '../engine/matrix.ts'
import { type EngineName, selectEngine } from '../engine/select.ts'
import type { LayersModel } from '../engine/tf.ts'
import { EngineError } from '../errors.ts'
import type { Preprocessing } from '../image/options.ts'
import { preprocess } from '../image/preprocess.ts'
import { pixelBytes } from '../image/preprocessing.ts'
import { loadArtifact, type ModelFiles } from '../model/artifact.ts'
import { embedMatrix } from '../model/encoder.ts'
import type { Block } from '../search/block.ts'
import { type ExactIndex, exactIndex } from '../search/exact-index.ts'
import { type BlockSource, indexRecall } from '../search/recall.ts'
import type { Stamp, StampedVectors } from '../search/types.ts'
import { connect, type Handlers, Moved } from './rpc.ts'

/** What a version's thread asks of the one that started it. */
export interface VersionHost extends Handlers {
  /** A block of the generation that is being measured. */
  readonly block: (request: { readonly i: number }) => Promise<Block>
}

/** A version's model, and how large its index may be. */
export interface VersionRequest extends Stamp {
  readonly engine: EngineName | 'auto'
  readonly files: ModelFiles
  readonly mean: Float32Array | undefined
  readonly preprocessing: Preprocessing
  readonly dim: number
  readonly maxVectors: number
}

interface Open extends VersionRequest {
  readonly network: LayersModel
  readonly index: ExactIndex
}

let opened: Open | undefined

function expectOpen(): Open {
  if (opened === undefined)
    throw new EngineError('version: expected `open` first, got another call')
  return opened
}

const embeddedAtOnce = 128

function embedded({ network, preprocessing, mean }: Open, pixels: Uint8Array): Promise<Matrix> {
  const step = embeddedAtOnce * pixelBytes(preprocessing)
  function* batches() {
    for (let at = 0; at < pixels.length; at += step) {
      yield preprocess(pixels.subarray(at, at + step), preprocessing)
    }
  }
  return embedMatrix(network, batches(), mean === undefined ? {} : { mean })
}

const handlers = {
  /** Loads the network and warms it: the first pass takes longer than any other. */
  open: async (request: VersionRequest): Promise<void> => {
    await selectEngine(request.engine)
    const network = await loadArtifact(request.files)
    const { dim, maxVectors } = request
    opened = { ...request, network, index: exactIndex(request, dim, { maxVectors }) }
    await embedded(opened, new Uint8Array(pixelBytes(request.preprocessing)))
  },

  /** Adds vectors of pictures; answers how many the index holds now. */
  add: ({
    ids,
    vectors,
  }: {
    readonly ids: readonly string[]
    readonly vectors: Matrix
  }): number => {
    const { index, version, preprocessingHash } = expectOpen()
    index.add({ ids, vectors, version, preprocessingHash })
    return index.size
  },

  /** Hides pictures; answers how many can be found now. */
  mask: ({ ids }: { readonly ids: readonly string[] }): number => {
    const { index } = expectOpen()
    index.mask(ids)
    return index.size
  },

  embed: async ({ pixels }: { readonly pixels: Uint8Array }) => {
    const vectors = await embedded(expectOpen(), pixels)
    return new Moved(vectors, [vectors.data.buffer as ArrayBuffer])
  },

  search: ({ queries, k }: { readonly queries: StampedVectors; readonly k: number }) =>
    expectOpen().index.search(queries, k),

  recall: (source: Omit<BlockSource, 'block'>): Promise<number> =>
    indexRecall({ ...source, block: (i) => host.block({ i }) }),
}

/** What a version's thread answers. */
export type VersionCalls = typeof handlers

if (parentPort === null) throw new EngineError('version-worker: expected to run in a worker thread')
const host = connect<VersionHost>(parentPort, handlers)
