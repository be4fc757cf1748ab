import { Worker } from 'node:worker_threads'
import { StoreError } from '../errors.ts'
import type { Registry } from '../registry/registry.ts'
import { soundBlob } from '../registry/sound-blob.ts'
import { blockBytes } from '../search/block.ts'
import { usableGeneration } from '../search/build-generation.ts'
import { type Generation, generationSize } from '../search/generation.ts'
import { generations } from '../search/generations.ts'
import { maxLandmarks } from '../search/map-axes.ts'
import type { PictureFacts } from '../search/map-columns.ts'
import { keepMap, mapBefore, readMap, type StoredMap } from '../search/map-document.ts'
import { oneAtATime } from './embedder-context.ts'
import type { MapColumns } from './http/parts.ts'
import type { MapCalls, MapHost } from './map-worker.ts'
import { connect, type Remote } from './rpc.ts'
import { resolveVersion } from './served-model.ts'
import { sibling } from './sibling.ts'

/** What maps are made of. */
export interface PictureMapsParts {
  readonly registry: Registry
  /** Identities of the clusters that pictures are in, as of the last checkpoint. */
  identities(): Promise<PictureFacts['identities']>
  erased(): Promise<PictureFacts['erased']>
}

/** Maps of the pictures of versions. */
export interface PictureMaps {
  /** Of a version, or of what `stable` names; absent: it does not exist or has no index. */
  columns(name: string): Promise<MapColumns | undefined>
  close(): Promise<void>
}

/** A thread that computes, and reads blocks from here. */
function mapThread({ blobs }: Registry) {
  const worker = new Worker(sibling(import.meta.url, 'map-worker'))
  const host: MapHost = {
    block: ({ digest, rows, dim }) => soundBlob(blobs, 'index', digest, blockBytes(rows, dim)),
  }
  return { worker, call: connect<MapCalls>(worker, host) }
}

/**
 * Makes maps when somebody asks, one at a time. All that takes long is done in a thread that
 * begins with the first one.
 */
export function pictureMaps(parts: PictureMapsParts): PictureMaps {
  const { registry } = parts
  const { documents } = registry
  const exclusively = oneAtATime()
  let thread: ReturnType<typeof mapThread> | undefined

  const calls = (): Remote<MapCalls> => {
    if (thread === undefined) {
      const mine = mapThread(registry)
      mine.worker.once('exit', () => {
        if (thread === mine) thread = undefined // whoever asks next gets another one
      })
      thread = mine
    }
    return thread.call
  }
  const generationOf = async (name: string): Promise<Generation | undefined> => {
    const entry = await registry.versions.resolve(await resolveVersion(registry, name))
    const attempts = entry && (await generations(documents).list(entry.version))
    return attempts?.findLast(({ state }) => state === 'ready') ?? usableGeneration(attempts ?? [])
  }

  /** Maps that may not be kept, as where `serve` has no right to write. */
  const unkept = new Map<string, StoredMap>()
  const keep = async (map: StoredMap, replaced: StoredMap | undefined): Promise<StoredMap> => {
    try {
      return await keepMap(documents, map, replaced)
    } catch (error) {
      if (!(error instanceof StoreError) || error.reason !== 'read-only') throw error
      unkept.set(map.version, map)
      return map
    }
  }

  /** The axes that a version keeps; made anew while its pictures are few and have doubled. */
  const mapOf = async (generation: Generation): Promise<StoredMap | undefined> => {
    const { version } = generation
    const present = unkept.get(version) ?? (await readMap(documents, version))
    const landmarks = present?.landmarks.ids.length ?? 0
    const isOutgrown = landmarks < maxLandmarks && generationSize(generation) >= 2 * landmarks
    if (present !== undefined && !isOutgrown) return present
    const before = (present ?? (await mapBefore(documents, version)))?.landmarks
    const fitted = await calls().fit({ generation, before })
    return fitted && keep({ version, ...fitted }, present)
  }

  return {
    columns: (name) =>
      exclusively(async () => {
        const generation = await generationOf(name)
        if (generation === undefined) return undefined
        const map = await mapOf(generation)
        if (map === undefined) return { etag: 'empty', points: 0, bytes: new Uint8Array() }
        const [identities, erased] = await Promise.all([parts.identities(), parts.erased()])
        return calls().columns({ generation, axes: map.axes, identities, erased })
      }),
    close: async () => {
      await thread?.worker.terminate()
    },
  }
}
