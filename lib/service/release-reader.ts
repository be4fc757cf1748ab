import { PipelineError } from '../errors.ts'
import type { ChannelState, Release } from '../registry/channel-document.ts'
import type { Clock } from '../registry/clock.ts'
import type { Registry } from '../registry/registry.ts'
import type { StreamPort } from '../stream/types.ts'
import { oneAtATime } from './embedder-context.ts'
import { type OpenRelease, openRelease } from './release-reader-open.ts'
import { type BadRelease, releaseHolder, type ServingReleases } from './serving-release.ts'
import type { VersionModel } from './version-model.ts'
import type { VersionThread } from './version-thread.ts'

/** Keeps what `stable` names in service, whoever moves it. */
export interface ReleaseReader extends ServingReleases {
  /** Resolves with the error that it cannot go on after: the process is to end then. */
  readonly failed: Promise<unknown>
  /** Begins to look by itself. */
  start(): void
  /** Looks at `stable` and loads what it names. Once started it is called every `pollMs`. */
  tick(): Promise<void>
  /** Drains and disposes of what serves. */
  stop(): Promise<void>
}

/** What a reader works with. */
export interface ReleaseReaderParts {
  readonly registry: Registry
  readonly stream: StreamPort
  /** Consumer group of this replica alone: each must see every vector. */
  readonly group: string
  /** Starts the thread of a version, its index empty. */
  openThread(model: VersionModel): Promise<VersionThread>
  /** Ids of pictures that were erased on purpose. */
  erased(): Promise<ReadonlySet<string>>
  readonly clock: Clock
  /** A number in [0, 1): replicas look at different moments. */
  readonly jitter: () => number
  readonly onEvent: (event: ReaderEvent) => void
  readonly options?: ReleaseReaderOptions
}

/** Settings of {@link releaseReader}. */
export interface ReleaseReaderOptions {
  /** Time between two looks, ms, at most: each is up to a fifth shorter. Default 30,000. */
  readonly pollMs?: number
  /** Memory that may be had, bytes. Default: what the system says. */
  readonly freeBytes?: () => number
  /** Longest wait for vectors that came since a generation's blocks, ms. Default 10,000. */
  readonly catchUpMs?: number
}
/** Defaults of {@link ReleaseReaderOptions}. */
export const defaultReleaseReaderOptions: Required<ReleaseReaderOptions> = {
  pollMs: 30_000,
  freeBytes: () => process.availableMemory(),
  catchUpMs: 10_000,
}

/** What a reader says while it works. */
export type ReaderEvent =
  | {
      readonly event: 'serving'
      readonly version: string
      readonly generation: string | undefined
      readonly vectors: number
      /** From the look that found it to the swap, ms. */
      readonly ms: number
    }
  | ({ readonly event: 'bad-release' } & BadRelease)
  | { readonly event: 'note'; readonly text: string }

/** Other processes erase, too. */
const readErasedEveryMs = 30_000

/** A reader that does nothing until it is started or ticked. */
export function releaseReader(parts: ReleaseReaderParts): ReleaseReader {
  const { registry, clock, onEvent } = parts
  const { pollMs, ...options } = { ...defaultReleaseReaderOptions, ...parts.options }
  const holder = releaseHolder()
  const bad: BadRelease[] = []
  const stopping = new AbortController()
  const ticking = oneAtATime()
  let giveUp: (error: unknown) => void = () => undefined
  const failed = new Promise<unknown>((resolve) => {
    giveUp = (error) => {
      stopping.abort()
      resolve(error)
    }
  })
  const open = { ...parts, ...options, onFatal: giveUp }
  let serving: OpenRelease | undefined
  let seen = 0
  let retiring: Promise<unknown> = Promise.resolve()
  let erased: ReadonlySet<string> = new Set()
  let erasedAt = Number.NEGATIVE_INFINITY

  const readErased = async (): Promise<void> => {
    if (clock.now() - erasedAt < readErasedEveryMs) return
    erased = await parts.erased()
    erasedAt = clock.now()
    await serving?.mask(erased)
  }

  /** Loads a release beside the one that serves, and puts it in its place. */
  const take = async (state: ChannelState): Promise<void> => {
    const began = clock.now()
    const old = serving
    // Two groups take turns, so that the new one reads while the old one still does.
    const group = [`${parts.group}-a`, `${parts.group}-b`].find((one) => one !== old?.group)
    const release = await openRelease(open, state, group as string, erased)
    void release.died.then((error) => {
      if (serving === release) giveUp(error)
    })
    serving = release
    const drained = holder.swap(release).catch(giveUp)
    retiring = Promise.all([retiring, drained])
    await old?.unfollow()
    const { version, generation, size: vectors } = release
    onEvent({ event: 'serving', version, generation, vectors, ms: clock.now() - began })
  }

  const isBad = ({ version, generation }: Release): boolean =>
    bad.some((one) => one.version === version && one.generation === generation)

  /** {@link take}, with what can never succeed remembered and not tried again. */
  const tryTake = async (state: ChannelState): Promise<void> => {
    try {
      await take(state)
    } catch (error) {
      if (!(error instanceof PipelineError) || error.retryable || error.code === 'STREAM')
        throw error
      const { version, generation } = state
      const one = { version, generation, reason: error.message }
      bad.push(one)
      onEvent({ event: 'bad-release', ...one })
    }
  }

  const tick = async (): Promise<void> => {
    const state = await registry.stable.read()
    // A store that answers with the past does not take what serves back to it.
    if (state === undefined || state.seq < seen) return
    seen = state.seq
    await readErased()
    const isServing = serving?.version === state.version && serving.generation === state.generation
    if (serving !== undefined && isServing) {
      serving.seq = state.seq
      await serving.refresh()
    } else if (!isBad(state)) await tryTake(state)
  }

  const repeat = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await reader.tick()
      } catch (error) {
        if (stopping.signal.aborted) return
        if (!(error instanceof PipelineError && error.retryable)) return giveUp(error)
        onEvent({ event: 'note', text: `${error.message}; it is tried again` })
      }
      await clock.sleep(pollMs * (1 - parts.jitter() / 5), stopping.signal)
    }
  }

  const reader: ReleaseReader = {
    failed,
    bad,
    get current() {
      return holder.current
    },
    use: holder.use,
    start: () => void repeat(),
    tick: () => ticking(tick),
    stop: async () => {
      stopping.abort()
      await ticking(async () => {
        serving = undefined
        await holder.close()
        await retiring
      })
    },
  }
  return reader
}
