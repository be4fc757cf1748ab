import type { Comparison } from '../learn/gate-comparisons.ts'
import type { RoundProgress } from '../learn/round.ts'
import type { EmbedderEvent } from './embedder-parts.ts'
import type { Addresses } from './http/http-server.ts'
import type { ReaderEvent } from './release-reader.ts'

/** What a role says while it works; `--json` prints each as one object. */
export type PipelineEvent =
  | { readonly event: 'engine'; readonly name: string; readonly device: string }
  | { readonly event: 'note'; readonly text: string }
  | { readonly event: 'resumed'; readonly applied: number; readonly buffered: number }
  | {
      readonly event: 'round-began'
      readonly round: number
      readonly pictures: number
      readonly fresh: number
      readonly k: number
    }
  | RoundEnded
  | { readonly event: 'stable'; readonly version: string; readonly why: string }
  | { readonly event: 'not-released'; readonly version: string; readonly why: string }
  | ({ readonly event: 'listening' } & Addresses)
  | {
      readonly event: 'restart'
      readonly role: string
      readonly why: string
      /** Time until it is started again, ms. */
      readonly afterMs: number
    }
  | EmbedderEvent
  | ReaderEvent

/** How a round ended. */
export interface RoundEnded {
  readonly event: 'round'
  readonly round: number
  readonly verdict: 'promote' | 'hold' | 'reject' | 'nothing' | 'failed'
  readonly reason: string
  readonly version: string | undefined
  readonly pictures: number
  readonly fresh: number
  readonly k: number
  readonly steps: number
  readonly seconds: number
  readonly ended: string
  readonly loss: number
  readonly valid: number
  /** Training steps left out, their gradient not being finite. */
  readonly skipped: number
  /** Of the candidate, on held-out pictures; undefined without one. */
  readonly effectiveRank: number | undefined
  readonly churn: number
  readonly needsPictures: number | undefined
  /** What the gate compared, by name; empty without a candidate. */
  readonly comparisons: Readonly<Record<string, Comparison>>
}

/** Where a round stands. */
export interface RoundStatus {
  readonly number: number
  readonly progress: RoundProgress
  /** Of its training, at the pace so far; undefined before the first step and after the last. */
  readonly secondsLeft: number | undefined
}

/** Where a learner stands. */
export interface LearnerStatus {
  /** Distinct pictures in the learner's state, held-out ones included. */
  readonly applied: number
  readonly heldOut: number
  readonly buffered: number
  readonly fresh: number
  readonly duplicates: number
  /** Records of pictures that somebody asked to forget. */
  readonly erased: number
  readonly quarantined: number
  /** Records behind the end of the log. */
  readonly lag: number
  readonly rounds: number
  readonly stable: string | undefined
  readonly round: RoundStatus | undefined
  readonly driftRatio: number
}
