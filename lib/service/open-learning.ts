import type { Config } from '../config/schema.ts'
import type { Preprocessing } from '../image/options.ts'
import type { LabelledProbe } from '../learn/labelled.ts'
import type { Lease } from '../registry/lease-document.ts'
import { processName } from '../stream/sqlite-owner.ts'
import { backboneCacheFolder } from './cache-folder.ts'
import type { Closers } from './closers.ts'
import { decoders as decoderPool } from './decoders.ts'
import { type EngineThread, engineThread } from './engine-thread.ts'
import type { PipelineEvent } from './events.ts'
import { labelledProbe } from './labelled-probe.ts'
import { type Learner, openLearner } from './learner.ts'
import type { Beginning } from './learner-memory.ts'
import type { Pipeline } from './open-pipeline.ts'
import type { RunWatch } from './run-watch.ts'
import { limitsOf, preprocessingOf, recipeOf } from './settings.ts'

/** A learner with everything that works for it. */
export interface Learning {
  readonly learner: Learner
  /** Ends what the engine is at: a round then fails as aborted. */
  abort(): void
}

/** What {@link openLearning} needs. */
export interface LearningParts {
  readonly pipeline: Pipeline
  readonly lease: Lease
  readonly watch: RunWatch
  readonly beginning: Beginning
  /** Decoder processes, ≥ 1. */
  readonly processes: number
  /** Whether the learner moves `stable` itself; else it goes no further than `candidate`. */
  readonly releases: boolean
  /** The time of day, ms since 1970. */
  readonly now: () => number
  readonly onEvent: (event: PipelineEvent) => void
  readonly onCheckpoint?: (ms: number) => void
  /** Starts the decoders, for whoever counts what they do. Default: as they are. */
  readonly openDecoders?: typeof decoderPool
  /** Told what the learner cannot go on after. */
  readonly fail: (error: unknown) => void
}

/** The labelled probe, its pixels in the engine's cache and no longer here. */
async function keepLabelled(
  config: Config,
  preprocessing: Preprocessing,
  thread: EngineThread,
  note: (text: string) => void,
): Promise<LabelledProbe | undefined> {
  const decoded = await labelledProbe(config, preprocessing, note)
  if (decoded === undefined) return undefined
  const { ids, classes, pixels } = decoded
  await thread.call.keep({ ids, pixels })
  return { ids, classes }
}

/**
 * Starts the engine's thread and the decoders, and opens the learner on them.
 *
 * @param closers - Gets what is to be closed.
 * @throws as {@link openLearner}; {@link ConfigError} also for a recipe that the engine cannot train.
 */
export async function openLearning(parts: LearningParts, closers: Closers): Promise<Learning> {
  const { pipeline, watch, onEvent, fail } = parts
  const { config } = pipeline
  const note = (text: string): void => onEvent({ event: 'note', text })
  let learner: Learner | undefined
  const thread = engineThread({
    progress: (progress) => {
      watch.progress(progress)
      learner?.progress(progress)
    },
    alive: () => watch.progress(),
    refill: (ids) => refill(ids),
    installing: note,
  })
  closers.add(() => thread.close())
  void thread.died.then(fail)
  const engine = await thread.call.start({ choice: config.engine })
  onEvent({ event: 'engine', name: engine.name, device: engine.device })
  recipeOf(config, engine) // throws where the engine cannot train it
  const baseline = await thread.call.baseline({
    backbone: config.model.backbone,
    size: config.image.size === 'auto' ? 28 : config.image.size,
    channels: config.image.channels,
    cacheFolder: backboneCacheFolder(),
  })
  const preprocessing = preprocessingOf(config, engine, baseline)
  const { files } = baseline
  await thread.call.open({ folder: pipeline.cacheFolder, preprocessing, files })
  const labelled = await keepLabelled(config, preprocessing, thread, note)
  const { processes } = parts
  const { openDecoders = decoderPool } = parts
  const decoders = openDecoders({ processes, limits: limitsOf(config), preprocessing })
  closers.add(() => decoders.close())
  const refill = (ids: readonly string[]) =>
    Promise.all(
      ids.map(async (id) => {
        const bytes = await pipeline.blobs.get('pictures', id, { maxBytes: config.limits.bytes })
        const pixels = bytes && (await decoders.decode(bytes)).pixels
        watch.progress()
        return pixels
      }),
    )
  const own = { config, thread, engine, decoders, baseline, preprocessing, labelled }
  learner = await openLearner({ ...parts, ...own, owner: processName() })
  return {
    learner,
    abort: () => {
      void thread.call.abort(undefined).catch(() => undefined)
    },
  }
}
