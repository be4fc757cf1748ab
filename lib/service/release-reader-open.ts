import { ArtifactError, BusyError, type StreamError } from '../errors.ts'
import type { ChannelState } from '../registry/channel-document.ts'
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
  /** Number of the move of `stable` that last named it. */
  seq: number
  /** Consumer group in which it follows new vectors. */
  readonly group: string
  /** Resolves with the reason when its thread ends without being asked to. */
  readonly died: Promise<Error>
  /** Adds what became of older pictures while it serves: their vectors came before it followed. */
  refresh(): Promise<void>
  mask(ids: Iterable<string>): Promise<void>
  /** Takes in no more new vectors: another release has taken over. */
  unfollow(): Promise<void>
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
  { generation: id }: ChannelState,
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

/** Both are held until the one before is drained: refused where that would exhaust memory. */
function expectMemory(
  { freeBytes }: OpenReleaseParts,
  { version, dim, files }: VersionModel,
  document: Generation | undefined,
): void {
  const model = Object.values(files).reduce((sum, { length }) => sum + length, 0)
  const index = document === undefined ? 0 : generationSize(document) * dim * 4
  const needed = 3 * model + 2 * index
  const free = freeBytes()
  if (needed <= free) return
  throw new BusyError(
    `${version}: expected ${needed} bytes of memory to load it, ${free} are free`,
    {
      retryable: true,
      reason: 'memory',
    },
  )
}

/**
 * Loads what a channel names, beside whatever serves: every file and block is verified, the model
 * has run once, the index is filled and follows what comes.
 *
 * @param group - Consumer group that nobody else is in.
 * @param erased - Pictures that must not be found.
 * @throws {@link ArtifactError} if anything is missing, damaged or does not fit together;
 * {@link BusyError}, retryable, if memory does not hold it.
 */
export async function openRelease(
  parts: OpenReleaseParts,
  state: ChannelState,
  group: string,
  erased: ReadonlySet<string>,
): Promise<OpenRelease> {
  const { registry } = parts
  const all = generations(registry.documents)
  const model = versionModel(await registry.load(state))
  const document = await generationOf(all, state, model)
  expectMemory(parts, model, document)
  const thread = await parts.openThread(model)
  const { version, preprocessingHash, preprocessing, dim } = model
  const loaded = new Set<string>()
  let size = 0
  let following: Following | undefined

  const add = async (generation: Generation, blocks: readonly GenerationBlock[]) => {
    for (const block of blocks) {
      if (loaded.has(block.digest)) continue
      const { ids, vectors } = await loadBlock(registry.blobs, generation, block)
      size = await thread.add(ids, vectors)
      loaded.add(block.digest)
    }
  }
  const fill = async (generation: Generation): Promise<void> => {
    await add(generation, blocksByAge(generation))
    following = await followVectors(parts.stream, {
      version,
      preprocessingHash,
      dim,
      group,
      from: generation.follow,
      onVectors: async (ids, vectors) => {
        size = await thread.add(ids, vectors)
      },
      onFatal: parts.onFatal,
    })
    const waiting = new AbortController()
    await Promise.race([
      following.caughtUp(),
      parts.clock.sleep(parts.catchUpMs, waiting.signal),
    ]).finally(() => waiting.abort())
    const zero = { rows: 1, dim, data: new Float32Array(dim) }
    await thread.search({ version, preprocessingHash, vectors: zero }, 1) // warms the index
  }
  const release: OpenRelease = {
    version,
    preprocessingHash,
    preprocessing,
    dim,
    group,
    died: thread.died,
    seq: state.seq,
    generation: state.generation,
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
    refresh: async () => {
      const present = document && (await all.read(document.id))
      const isOfSource = ({ source }: GenerationBlock) => source !== undefined
      if (present) await add(present, present.blocks.filter(isOfSource))
    },
    mask: async (ids) => {
      size = await thread.mask([...ids])
    },
    unfollow: async () => following?.stop(),
    dispose: async () => {
      await following?.stop()
      await thread.close()
    },
  }
  try {
    await release.mask(erased)
    if (document !== undefined) await fill(document)
    return release
  } catch (error) {
    await release.dispose()
    throw error
  }
}
