import { parentPort } from 'node:worker_threads'
import { type Engine, type EngineName, selectEngine } from '../engine/select.ts'
import type { LayersModel } from '../engine/tf.ts'
import { EngineError } from '../errors.ts'
import type { Preprocessing } from '../image/options.ts'
import { type PixelCache, pixelCache } from '../image/pixel-cache.ts'
import { preprocess } from '../image/preprocess.ts'
import { type RoundInput, runRound } from '../learn/round.ts'
import type { RoundResult } from '../learn/round-result.ts'
import type { StudentState } from '../learn/state.ts'
import { warmStudent } from '../learn/warm-start.ts'
import { folderReader, loadArtifact } from '../model/artifact.ts'
import { embedMatrix } from '../model/encoder.ts'
import { loadModel } from '../model/load-model.ts'
import { type Baseline, makeBaseline } from './baseline.ts'
import { checkArtifact } from './check-artifact.ts'
import { driftReference } from './drift-reference.ts'
import type {
  EngineHost,
  OpenRequest,
  ServedModel,
  TakenPictures,
  WarmRequest,
} from './engine-requests.ts'
import { connect, Moved } from './rpc.ts'

interface Open {
  readonly preprocessing: Preprocessing
  readonly cache: PixelCache
}

interface LoadedModel {
  readonly network: LayersModel
  readonly mean: Float32Array | undefined
}

let engine: Engine | undefined
let open: Open | undefined
let champion: LoadedModel | undefined
let frozen: LayersModel | undefined
let round: AbortController | undefined

function expectOpen(): Open {
  if (open === undefined) throw new EngineError('engine: expected `open` first, got another call')
  return open
}

function expectModel(): LoadedModel {
  if (champion === undefined) throw new EngineError('engine: expected `useModel` first, got none')
  return champion
}

function expectFrozen(): LayersModel {
  if (frozen === undefined) throw new EngineError('engine: expected `open` first, got none')
  return frozen
}

/** Pixels from the cache; what is not there is decoded again by the host. */
async function readPixels(ids: readonly string[]): Promise<Uint8Array> {
  void host.alive(undefined)
  const { cache } = expectOpen()
  if (!ids.every((id) => cache.has(id))) await refill(ids)
  try {
    return cache.read(ids)
  } catch {
    await refill(ids)
    return cache.read(ids)
  }
}

/** Caches pixels that lie one picture after another. */
function writePixels(ids: readonly string[], pixels: Uint8Array): void {
  const { cache } = expectOpen()
  const each = pixels.length / ids.length
  for (const [i, id] of ids.entries()) cache.write(id, pixels.subarray(i * each, (i + 1) * each))
}

/** Puts missing pixels back; answers the ids of pictures that are gone. */
async function refill(ids: readonly string[]): Promise<string[]> {
  const { cache } = expectOpen()
  const missing = cache.missing(ids)
  if (missing.length === 0) return []
  const found = await host.refill(missing)
  const gone: string[] = []
  for (const [i, id] of missing.entries()) {
    const pixels = found[i]
    if (pixels === undefined) gone.push(id)
    else cache.write(id, pixels)
  }
  return gone
}

/** Lets messages in between two steps of a round. */
const breathe = () => new Promise<void>((resolve) => setImmediate(resolve))

const handlers = {
  start: async ({ choice }: { readonly choice: EngineName | 'auto' }): Promise<Engine> => {
    engine = await selectEngine(choice)
    return engine
  },

  /** The frozen backbone as a model to publish. */
  baseline: (request: Parameters<typeof makeBaseline>[0]): Promise<Baseline> =>
    makeBaseline(request, (text) => void host.installing(text)),

  /** A student with the weights of a model that was trained before. */
  warm: async ({ model, ...input }: WarmRequest): Promise<StudentState> => {
    const network =
      'files' in model
        ? await loadArtifact(model.files)
        : (await loadModel('warm start', folderReader('warm start', model.folder))).network
    try {
      return await warmStudent(network, expectFrozen(), input)
    } finally {
      network.dispose()
    }
  },

  /** Opens the pixel cache, and the frozen backbone that drift is measured with. */
  open: async ({ folder, preprocessing, files }: OpenRequest): Promise<void> => {
    open?.cache.close()
    open = { preprocessing, cache: pixelCache(folder, preprocessing) }
    frozen = await loadArtifact(files)
  },

  useModel: async ({ files, mean }: ServedModel): Promise<{ dim: number }> => {
    const network = await loadArtifact(files)
    champion?.network.dispose()
    champion = { network, mean }
    return { dim: network.outputShape[1] as number }
  },

  /** Caches pixels and embeds them by the model in use, and by the frozen one, shape [n, dim]. */
  take: async ({ ids, pixels, reference }: TakenPictures) => {
    writePixels(ids, pixels)
    const vectors = await embedded(expectModel(), pixels)
    const frozen = reference
      ? await embedded({ network: expectFrozen(), mean: undefined }, pixels)
      : undefined
    const buffers = [vectors, ...(frozen === undefined ? [] : [frozen])].map(({ buffer }) => buffer)
    return new Moved({ vectors, reference: frozen }, buffers as ArrayBuffer[])
  },

  /** Caches pixels of pictures that judge only. */
  keep: ({ ids, pixels }: { readonly ids: readonly string[]; readonly pixels: Uint8Array }) =>
    writePixels(ids, pixels),

  /** Clusters half of some pictures by the frozen backbone, and measures the other half. */
  reference: ({
    ids,
    k,
    seed,
  }: {
    readonly ids: readonly string[]
    readonly k: number
    readonly seed: number
  }) => driftReference(expectFrozen(), expectOpen().preprocessing, readPixels, ids, k, seed),

  /** Embeds cached pictures by the model in use, shape [n, dim]. */
  embed: async ({ ids }: { readonly ids: readonly string[] }) => {
    const vectors = await embedded(expectModel(), await readPixels(ids))
    return new Moved(vectors, [vectors.buffer as ArrayBuffer])
  },

  /** Ids of pictures whose pixels can no longer be had. */
  ensure: ({ ids }: { readonly ids: readonly string[] }) => refill(ids),

  /** Overwrites the pixels of pictures that must not be kept. */
  forget: ({ ids }: { readonly ids: readonly string[] }) => expectOpen().cache.forget(ids),

  retain: ({ ids }: { readonly ids: readonly string[] }) => expectOpen().cache.retain(ids),

  round: async ({ input }: { readonly input: RoundInput }): Promise<RoundResult> => {
    round = new AbortController()
    const { signal } = round
    let told = 0
    try {
      return await runRound(input, {
        pixels: {
          read: async (ids) => {
            await breathe()
            return readPixels(ids)
          },
        },
        now: () => performance.now(),
        signal,
        alive: async () => {
          void host.alive(undefined)
          await breathe()
          signal.throwIfAborted()
        },
        report: (progress) => {
          const now = performance.now()
          if (progress.phase === 'train' && now - told < 200) return
          told = now
          void host.progress(progress)
          return breathe() // training on cached features reads no pixels
        },
        check: (files, pixels, expected) =>
          checkArtifact(
            { files, pixels, preprocessing: input.preprocessing, engine: engine?.name ?? 'auto' },
            expected,
          ),
      })
    } finally {
      round = undefined
    }
  },

  abort: () => {
    round?.abort(new EngineError('round: aborted', { reason: 'aborted' }))
  },
}

async function embedded(model: LoadedModel, pixels: Uint8Array): Promise<Float32Array> {
  const { network, mean } = model
  const images = preprocess(pixels, expectOpen().preprocessing)
  const { data } = await embedMatrix(network, [images], mean === undefined ? {} : { mean })
  return data
}

/** What the engine's thread answers. */
export type EngineCalls = typeof handlers

if (parentPort === null) throw new EngineError('engine-worker: expected to run in a worker thread')
const host = connect<EngineHost>(parentPort, handlers)
