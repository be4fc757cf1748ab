import { ArtifactError, PipelineError } from '../errors.ts'
import type { Manifest } from '../registry/manifest.ts'
import type { Generation } from '../search/generation.ts'
import { generations } from '../search/generations.ts'
import type { Digest } from '../store/types.ts'
import { backfiller, backlog } from './embedder-backfill.ts'
import { type EmbedderContext, oneAtATime, workingOn } from './embedder-context.ts'
import { statusOf, type WorkingGeneration, workingGeneration } from './embedder-generation.ts'
import { embedderLanes } from './embedder-lanes.ts'
import {
  defaultEmbedderOptions,
  type EmbedderParts,
  type EmbedderStatus,
} from './embedder-parts.ts'
import { concludeFailed, concludeGeneration, confirmRelease } from './embedder-release.ts'
import {
  chooseTargets,
  hasChanged,
  readSituation,
  type Situation,
  type Targets,
} from './embedder-targets.ts'

/** The role that makes vectors: of each new picture, and of all of them for a new model. */
export interface Embedder {
  readonly status: EmbedderStatus
  /** Of each partition, the first record that the index in service does not have stored. */
  readonly positions: Readonly<Record<string, number>>
  /** Resolves with the error that it cannot go on after: the process is to end then. */
  readonly failed: Promise<unknown>
  /** Begins to work by itself. */
  start(): void
  /**
   * Looks at channels and generations, and does what follows: takes a new generation up, seals
   * what has waited long, releases what is ready. Once started it is called every `pollMs`.
   */
  tick(): Promise<void>
  /**
   * Embeds the pictures of one source again. Once started it is called over and over.
   *
   * @returns Whether there was one.
   */
  backfillOne(): Promise<boolean>
  /** Seals what is in memory, unless it has failed, and ends. */
  stop(): Promise<void>
}

/** Other processes erase, too. */
const readErasedEveryMs = 30_000

/**
 * An embedder that does nothing until it is started or ticked.
 *
 * Everything it knows can be made again: it may be killed at any point.
 */
export function embedder(parts: EmbedderParts): Embedder {
  const options = { ...defaultEmbedderOptions, ...parts.options }
  const { registry, clock } = parts
  const all = generations(registry.documents)
  const stopping = new AbortController()
  const manifests = new Map<Digest, Promise<Manifest>>()
  const context: EmbedderContext = {
    parts,
    options,
    all,
    working: {},
    erased: new Set(),
    counts: { embedded: 0, duplicates: 0, erased: 0, quarantined: 0 },
    exclusively: oneAtATime(),
  }
  const ticking = oneAtATime()
  let hasFailed = false
  let giveUp: (error: unknown) => void = () => undefined
  const failed = new Promise<unknown>((resolve) => {
    giveUp = (error) => {
      hasFailed = true
      stopping.abort()
      resolve(error)
    }
  })
  const lanes = embedderLanes(context, giveUp)
  const backfillOne = backfiller(context)
  let backfilling: Promise<unknown> = Promise.resolve()
  let seen: Situation | undefined
  let erasedAt = Number.NEGATIVE_INFINITY

  const manifest = (digest: Digest): Promise<Manifest> => {
    const known = manifests.get(digest) ?? registry.manifest(digest)
    manifests.set(digest, known)
    known.catch(() => manifests.delete(digest))
    return known
  }

  const readErased = async (): Promise<void> => {
    if (clock.now() - erasedAt < readErasedEveryMs) return
    const erased = await parts.erased()
    const fresh = new Set([...erased].filter((id) => !context.erased.has(id)))
    context.erased = erased
    if (fresh.size > 0) await context.exclusively(() => lanes.erase(fresh))
    erasedAt = clock.now()
  }

  /** Puts other generations to work, with what waits for the present ones sealed before. */
  const take = async ({ served, building }: Targets): Promise<boolean> => {
    const before = workingOn(context)
    const load = async (document: Targets['served']): Promise<WorkingGeneration | undefined> => {
      const known = before.find(({ id }) => id === document?.id)
      if (document === undefined || known !== undefined) return known
      const model = await parts.open(document)
      return workingGeneration(registry.blobs, document, model, 2 * options.maxVectors)
    }
    /** A candidate that does not load is given up; what serves goes on. */
    const loadNext = async (document: Generation): Promise<WorkingGeneration | undefined> => {
      try {
        return await load(document)
      } catch (error) {
        if (!(error instanceof ArtifactError) || served === undefined) throw error
        await concludeFailed(context, document, error.message)
        return undefined
      }
    }
    const next = { served: await load(served), building: building && (await loadNext(building)) }
    const isBehind = await context.exclusively(async () => {
      await lanes.seal()
      context.working = {
        ...(next.served && { served: next.served }),
        ...(next.building && { building: next.building }),
      }
      return lanes.enter()
    })
    for (const one of before) {
      if (workingOn(context).includes(one)) continue
      one.stop.abort()
      await backfilling.catch(() => undefined)
      await one.model.close()
    }
    return isBehind
  }

  const refresh = () =>
    context.exclusively(async () => {
      for (const one of workingOn(context)) one.document = (await all.read(one.id)) ?? one.document
    })

  /** Whether what is built needs no more work, so that something else may be built. */
  const isPlaceFree = ({ wished, candidate }: Situation): boolean => {
    const { served, building } = context.working
    if (served === undefined || building === undefined) return false
    const { state, version } = building.document
    const isOfWish = version === wished?.version && version !== candidate?.version
    return state === 'failed' || (state === 'ready' && isOfWish)
  }

  const tick = async (): Promise<void> => {
    const now = await readSituation(registry, all)
    if (now === undefined) return
    if (seen === undefined) await confirmRelease(context, now.stable)
    await readErased()
    await refresh()
    if (seen === undefined || isPlaceFree(now) || hasChanged(seen, now)) {
      const isBehind = await take(await chooseTargets(now, all, manifest, parts.now()))
      if (isBehind) await lanes.stop()
      seen = now
    }
    await lanes.start()
    await context.exclusively(() => lanes.seal(options.sealEveryMs))
    const next = context.working.building
    if (next !== undefined) await concludeGeneration(context, next)
  }

  /** Repeats work until it is told to stop; what may succeed later is tried again. */
  const repeat = async (work: () => Promise<boolean>): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        if (await work()) continue
      } catch (error) {
        if (stopping.signal.aborted) return
        if (!(error instanceof PipelineError && error.retryable)) return giveUp(error)
        parts.onEvent({ event: 'note', text: `${error.message}; it is tried again` })
      }
      await clock.sleep(options.pollMs, stopping.signal)
    }
  }

  const embedder: Embedder = {
    failed,
    get status() {
      const { served, building } = context.working
      return {
        ...context.counts,
        lag: lanes.lag,
        backlog: backlog(context),
        served: served && statusOf(served),
        building: building && statusOf(building),
      }
    },
    get positions() {
      return context.working.served?.document.next ?? {}
    },
    start: () => {
      void repeat(() => embedder.tick().then(() => false))
      void repeat(() => embedder.backfillOne())
    },
    tick: () => ticking(tick),
    backfillOne: () => {
      const done = backfillOne(stopping.signal)
      backfilling = done
      return done
    },
    stop: async () => {
      stopping.abort()
      await backfilling.catch(() => undefined)
      await ticking(async () => {
        try {
          if (!hasFailed) await context.exclusively(() => lanes.seal())
        } finally {
          await lanes.stop()
          for (const one of workingOn(context)) await one.model.close()
        }
      })
    },
  }
  return embedder
}
