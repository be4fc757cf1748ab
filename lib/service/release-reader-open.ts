import { ArtifactError, BusyError, type StreamError } from '../errors.ts'
import type { Release } from '../registry/channel-document.ts'
import type { Clock } from '../registry/clock.ts'
import type { Registry } from '../registry/registry.ts'
import { type Generation, type GenerationBlock, generationSize } from '../search/generation.ts'
import { type Generations, generations } from '../search/generations.ts'
import { blocksByAge, loadBlock, stampOf } from '../search/load-generation.ts'
import { isSameStamp } from '../search/stamp.ts'
import type { StreamPort } from '../stream/types.ts'
import { type Following, followVectors } from './release-reader-follow.ts'
import type { LoadedRelease } from './serving-release.ts'
import { type VersionModel, versionModel } from './version-model.ts'
import type { VersionThread } from './version-thread.ts'

/** A release in a thread, and what may still change in it. */
export interface OpenRelease extends LoadedRelease {
  /** Number of the move of `stable` that last named it; 0 until it serves. */
  seq: number
  /** About what it takes in memory, bytes. */
  readonly bytes: number
  /** Consumer group in which it follows new vectors; absent: it does not. */
  readonly group: string | undefined
  /** Resolves with the reason when its thread ends without being asked to. */
  readonly died: Promise<Error>
  /**
   * Brings its index up to what is sealed and sent by now, and takes in what comes from then on.
   *
   * @param group - Consumer group that nobody else is in.
   * @throws {@link ArtifactError} if a block is missing, damaged or does not fit.
   */
  follow(group: string): Promise<void>
  /** Takes in no more new vectors: another release has taken over. */
  unfollow(): Promise<void>
  /** Adds what became of older pictures while it serves: their vectors came before it followed. */
  refresh(): Promise<void>
  mask(ids: Iterable<string>): Promise<void>
}

/** What opening a release needs. */
export interface OpenReleaseParts {
  readonly registry: Registry
  readonly stream: StreamPort
  readonly clock: Clock
  /** Starts the thread of a version, its index empty. */
  openThread(model: VersionModel): Promise<VersionThread>
  /** Memory that may be had, bytes. */
  freeBytes(): number
  /** Longest wait for vectors that came since its blocks were sealed, ms. */
  readonly catchUpMs: number
  onFatal(error: StreamError): void
}

/** The generation that a channel names, if it fits the model. */
async function generationOf(
  all: Generations,
  { generation: id }: Release,
  { version, preprocessingHash, dim }: VersionModel,
): Promise<Generation | undefined> {
  if (id === undefined) return undefined
  const found = await all.read(id)
  if (found === undefined) throw new ArtifactError(`${id}: expected a generation, there is none`)
  if (isSameStamp(stampOf(found), { version, preprocessingHash }) && found.dim === dim) return found
  throw new ArtifactError(
    `${id}: expected vectors of ${version} and preprocessing ${preprocessingHash}, got those of ${found.version} and ${found.preprocessing}`,
  )
}

/** About what a model and its index take: files, weights and a pass; vectors twice. */
function bytesOf({ dim, files }: VersionModel, document: Generation | undefined): number {
  const model = Object.values(files).reduce((sum, { length }) => sum + length, 0)
  const index = document === undefined ? 0 : generationSize(document) * dim * 4
  return 3 * model + 2 * index
}

/** Both are held until the one before is drained: refused where that would exhaust memory. */
function expectMemory(version: string, needed: number, free: number): void {
  if (needed <= free) return
  throw new BusyError(
    `${version}: expected ${needed} bytes of memory to load it, ${free} are free`,
    { retryable: true, reason: 'memory' },
  )
}

/**
 * Loads what a channel names, beside whatever serves: every file is verified and the model has run
 * once. Its index is empty until it follows.
 *
 * @throws {@link ArtifactError} if anything is missing, damaged or does not fit together;
 * {@link BusyError}, retryable, if memory does not hold it.
 */
export async function openRelease(parts: OpenReleaseParts, named: Release): Promise<OpenRelease> {
  const { registry } = parts
  const all = generations(registry.documents)
  const model = versionModel(await registry.load(named))
  const document = await generationOf(all, named, model)
  const bytes = bytesOf(model, document)
  expectMemory(model.version, bytes, parts.freeBytes())
  const thread = await parts.openThread(model)
  const { version, preprocessingHash, preprocessing, dim } = model
  const loaded = new Set<string>()
  let size = 0
  let following: (Following & { readonly group: string }) | undefined

  const add = async (generation: Generation, blocks: readonly GenerationBlock[]) => {
    for (const block of blocks) {
      if (loaded.has(block.digest)) continue
      const { ids, vectors } = await loadBlock(registry.blobs, generation, block)
      size = await thread.add(ids, vectors)
      loaded.add(block.digest)
    }
  }
  const catchUp = async (one: Following): Promise<void> => {
    const waiting = new AbortController()
    await Promise.race([
      one.caughtUp(),
      parts.clock.sleep(parts.catchUpMs, waiting.signal),
    ]).finally(() => waiting.abort())
  }
  return {
    version,
    preprocessingHash,
    preprocessing,
    dim,
    bytes,
    died: thread.died,
    seq: 0,
    generation: named.generation,
    get group() {
      return following?.group
    },
    get size() {
      return size
    },
    embed: thread.embed,
    search: async (queries, k) => {
      if (document !== undefined) return thread.search(queries, k)
      throw new BusyError(`search: expected an index of ${version}, it is not built yet`, {
        retryable: true,
      })
    },
    follow: async (group) => {
      if (document === undefined) return
      const present = (await all.read(document.id)) ?? document
      await add(present, blocksByAge(present))
      const one = await followVectors(parts.stream, {
        version,
        preprocessingHash,
        dim,
        group,
        from: present.follow,
        onVectors: async (ids, vectors) => {
          size = await thread.add(ids, vectors)
        },
        onFatal: parts.onFatal,
      })
      following = { ...one, group }
      await catchUp(one)
      const zero = { rows: 1, dim, data: new Float32Array(dim) }
      await thread.search({ version, preprocessingHash, vectors: zero }, 1) // warms the index
    },
    unfollow: async () => {
      await following?.stop()
      following = undefined
    },
    refresh: async () => {
      const present = document && (await all.read(document.id))
      const isOfSource = ({ source }: GenerationBlock) => source !== undefined
      if (present) await add(present, present.blocks.filter(isOfSource))
    },
    mask: async (ids) => {
      size = await thread.mask([...ids])
    },
    dispose: async () => {
      await following?.stop()
      await thread.close()
    },
  }
}
