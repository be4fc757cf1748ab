import { Worker } from 'node:worker_threads'
import type { Matrix } from '../engine/matrix.ts'
import type { EngineName } from '../engine/select.ts'
import { EngineError } from '../errors.ts'
import type { BlockSource } from '../search/recall.ts'
import type { Neighbour, StampedVectors } from '../search/types.ts'
import { connect } from './rpc.ts'
import { sibling } from './sibling.ts'
import type { VersionModel } from './version-model.ts'
import type { VersionCalls, VersionHost } from './version-worker.ts'

/** A version's model and index in a thread of their own, with an engine of their own. */
export interface VersionThread {
  /** Resolves with the reason when the thread ends without being asked to. */
  readonly died: Promise<Error>
  /** Vectors of decoded pictures, shape [n, dim]. */
  embed(pixels: Uint8Array): Promise<Matrix>
  /** Adds vectors to the index; answers how many it holds then. */
  add(ids: readonly string[], vectors: Matrix): Promise<number>
  /** Hides pictures from searches; answers how many can be found then. */
  mask(ids: readonly string[]): Promise<number>
  search(queries: StampedVectors, k: number): Promise<readonly (readonly Neighbour[])[]>
  /** Share of true neighbours that an index of these blocks finds, on this engine. */
  recall(source: BlockSource): Promise<number>
  close(): Promise<void>
}

/** Settings of {@link versionThread}. */
export interface VersionThreadOptions {
  readonly engine: EngineName | 'auto'
  /** Vectors in the index at most. */
  readonly maxVectors: number
}

/**
 * Starts a thread for a version, with an empty index, and warms the model.
 *
 * @throws the error with which the engine or the model failed to load.
 */
export async function versionThread(
  model: VersionModel,
  { engine, maxVectors }: VersionThreadOptions,
): Promise<VersionThread> {
  const { version, preprocessingHash, files, mean, preprocessing, dim } = model
  const worker = new Worker(sibling(import.meta.url, 'version-worker'))
  let isClosing = false
  const died = new Promise<Error>((resolve) => {
    worker.once('error', resolve)
    worker.once('exit', (code) => {
      if (!isClosing) resolve(new EngineError(`${version}: its thread ended with ${code}`))
    })
  })
  let measured: BlockSource | undefined
  const host: VersionHost = {
    block: ({ i }) => {
      if (measured === undefined) throw new EngineError('recall: expected to be under way')
      return measured.block(i)
    },
  }
  const call = connect<VersionCalls>(worker, host)
  const close = async (): Promise<void> => {
    isClosing = true
    await worker.terminate()
  }
  try {
    const stamp = { version, preprocessingHash }
    await call.open({ ...stamp, engine, files, mean, preprocessing, dim, maxVectors })
  } catch (error) {
    await close()
    throw error
  }
  return {
    died,
    embed: (pixels) => call.embed({ pixels }),
    add: (ids, vectors) => call.add({ ids, vectors }),
    mask: (ids) => call.mask({ ids }),
    search: (queries, k) => call.search({ queries, k }),
    recall: (source) => {
      measured = source
      const { version, preprocessingHash, dim, sizes } = source
      return call.recall({ version, preprocessingHash, dim, sizes })
    },
    close,
  }
}
