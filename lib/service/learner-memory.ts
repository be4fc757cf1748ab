import type { Config } from '../config/schema.ts'
import type { Engine } from '../engine/select.ts'
import type { Preprocessing } from '../image/options.ts'
import type { Saved } from '../learn/checkpoint.ts'
import type { LabelledProbe } from '../learn/labelled.ts'
import type { RoundProgress } from '../learn/round.ts'
import type { LearnerState } from '../learn/state.ts'
import type { Lease } from '../registry/lease-document.ts'
import type { Baseline } from './baseline.ts'
import type { Decoders } from './decoders.ts'
import type { EngineThread } from './engine-thread.ts'
import type { PipelineEvent } from './events.ts'
import type { Pipeline } from './open-pipeline.ts'
import type { VersionModel } from './version-model.ts'

/** How a new history begins. */
export interface Beginning {
  /** Version, or folder of `train` or `models export`, whose weights are the student's first. */
  readonly warmStart?: string
  /** Which records it takes in: all that are kept, none of them, or those from a time on, ms. */
  readonly from?: 'earliest' | 'latest' | number
}

/** What a learner works with; opened once by whoever starts it. */
export interface LearnerParts {
  readonly pipeline: Pipeline
  readonly config: Config
  readonly lease: Lease
  readonly owner: string
  readonly engine: Engine
  readonly thread: EngineThread
  readonly decoders: Decoders
  readonly baseline: Baseline
  readonly preprocessing: Preprocessing
  /** The user's own classes, if there are any. */
  readonly labelled: LabelledProbe | undefined
  /** How the history begins; refused for one that has begun. */
  readonly beginning: Beginning
  /** Whether it moves `stable` itself; else `embed` does, once the index is made. */
  readonly releases: boolean
  /** The time of day, ms since 1970, and a monotonic clock. */
  readonly now: () => number
  readonly onEvent: (event: PipelineEvent) => void
  /** Told how long each checkpoint took to write, ms. */
  readonly onCheckpoint?: (ms: number) => void
}

/** Records of each partition by outcome. */
export type Counts = Record<string, Record<string, number>>

/** A round under way, as the engine tells of it. */
export interface RoundUnderWay {
  readonly number: number
  readonly progress: RoundProgress
  /** When it began, ms since 1970. */
  readonly began: number
  /** Time after which no further step begins, ms. */
  readonly limitMs: number | undefined
}

/** Everything of a learner that changes. */
export interface LearnerMemory {
  state: LearnerState
  offsets: Record<string, number>
  counts: Counts
  saved: Saved | undefined
  champion: VersionModel
  random: { rounds: number }
  /** Records stored before are passed over, ms since 1970. */
  readonly since: number | undefined
  /** When the last round began, ms since 1970. */
  lastStart: number | undefined
  /** The round under way. */
  progress: RoundUnderWay | undefined
}
