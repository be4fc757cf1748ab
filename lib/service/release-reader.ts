import { BusyError, PipelineError } from '../errors.ts'
import type { ChannelState } from '../registry/channel-document.ts'
import type { Clock } from '../registry/clock.ts'
import type { Registry } from '../registry/registry.ts'
import type { Consumption, StreamPort } from '../stream/types.ts'
import { oneAtATime } from './embedder-context.ts'
import { followHints } from './release-reader-hints.ts'
import { isNamed, releasePair } from './release-reader-pair.ts'
import type { BadRelease, ServingReleases } from './serving-release.ts'
import type { VersionModel } from './version-model.ts'
import type { VersionThread } from './version-thread.ts'

/** Keeps what `stable` names in service, whoever moves it. */
export interface ReleaseReader extends ServingReleases {
  /**
   * The release that `stable` named before. It is kept where memory has room for another one like
   * it, so that going back loads nothing; elsewhere the request that asks for it loads it.
   *
   * `use` throws {@link BusyError}, retryable, if there is none, or no room for it.
   */
  readonly previous: Pick<ServingReleases, 'use'>
  /** Resolves with the error that it cannot go on after: the process is to end then. */
  readonly failed: Promise<unknown>
  /** Begins to look by itself: whenever a channel is said to have moved, and every `pollMs`. */
  start(): void
  /** Looks at `stable` and has it served. */
  tick(): Promise<void>
  /** Drains and disposes of what serves. */
  stop(): Promise<void>
}

/** What a reader works with. */
export interface ReleaseReaderParts {
  readonly registry: Registry
  readonly stream: StreamPort
  /** Consumer groups of this replica alone begin with it: each must see every vector. */
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
  const pair = releasePair({ ...parts, ...options, onFatal: giveUp })
  const { stable } = pair
  let seen: ChannelState | undefined
  let erasedAt = Number.NEGATIVE_INFINITY
  let hasMoved = new AbortController()
  let hints: Promise<Pick<Consumption, 'stop'> | undefined> = Promise.resolve(undefined)

  const readErased = async (): Promise<void> => {
    if (clock.now() - erasedAt < readErasedEveryMs) return
    await pair.mask(await parts.erased())
    erasedAt = clock.now()
  }

  /** Serves another release; what can never succeed is remembered and not tried again. */
  const take = async (state: ChannelState): Promise<void> => {
    const { version, generation } = state
    const began = clock.now()
    try {
      const { size: vectors } = await pair.take(state)
      onEvent({ event: 'serving', version, generation, vectors, ms: clock.now() - began })
    } catch (error) {
      if (!(error instanceof PipelineError) || error.retryable || error.code === 'STREAM')
        throw error
      const one = { version, generation, reason: error.message }
      bad.push(one)
      onEvent({ event: 'bad-release', ...one })
    }
  }

  const tick = async (): Promise<void> => {
    const state = await registry.stable.read()
    // A store that answers with the past does not take what serves back to it.
    if (state === undefined || state.seq < (seen?.seq ?? 0)) return
    seen = state
    await readErased()
    const { current } = stable
    if (current !== undefined && isNamed(current, state)) {
      current.seq = state.seq
      await current.refresh()
      pair.tidy(state)
    } else if (!bad.some((one) => isNamed(one, state))) await take(state)
  }

  const usePrevious: ServingReleases['use'] = async (request) => {
    const kept = pair.usePrevious(seen?.previous, request)
    if (kept !== undefined) return kept
    // Begun before another release can be taken: what is loaded here may be let go of then.
    const { answer } = await ticking(async () => {
      const named = seen?.previous
      if (named !== undefined) await pair.loadPrevious(named)
      return { answer: pair.usePrevious(named, request) }
    })
    if (answer !== undefined) return answer
    throw new BusyError('release: expected one before the present one, there is none', {
      reason: 'no-previous',
      retryable: true,
    })
  }

  const listen = () =>
    followHints(parts.stream, {
      group: `${parts.group}-hints`,
      onHint: () => hasMoved.abort(),
      onFatal: giveUp,
    })
  const repeat = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      hasMoved = new AbortController()
      try {
        await reader.tick()
      } catch (error) {
        if (stopping.signal.aborted) return
        if (!(error instanceof PipelineError && error.retryable)) return giveUp(error)
        onEvent({ event: 'note', text: `${error.message}; it is tried again` })
      }
      const ms = pollMs * (1 - parts.jitter() / 5)
      await clock.sleep(ms, AbortSignal.any([stopping.signal, hasMoved.signal]))
    }
  }

  const reader: ReleaseReader = {
    failed,
    bad,
    get current() {
      return stable.current
    },
    use: stable.use,
    previous: { use: usePrevious },
    start: () => {
      hints = listen().catch((error) => void giveUp(error))
      void repeat()
    },
    tick: () => ticking(tick),
    stop: async () => {
      stopping.abort()
      await (await hints)?.stop()
      await ticking(() => pair.close())
    },
  }
  return reader
}
