import type { Config } from '../config/schema.ts'
import { PipelineError } from '../errors.ts'
import type { EmbedderStatus } from './embedder-parts.ts'
import type { LearnerStatus, PipelineEvent } from './events.ts'
import type { Addresses } from './http/http-server.ts'
import type { IngestProgress } from './ingester.ts'
import type { Beginning } from './learner-memory.ts'

/** Roles that are a process each. On one machine `serve` takes pictures in, too. */
export type RoleName = (typeof roleNames)[number]

/** All there are. */
export const roleNames = ['ingest', 'embed', 'learn', 'serve'] as const

/** What a role is started with. Plain: it may come from another process. */
export interface RoleSettings {
  readonly config: Config
  /** How a new lineage begins. */
  readonly beginning: Beginning
  /** How often it was started before, after it had died. */
  readonly restarts: number
}

/** What a role needs of whoever starts it. */
export interface RoleHost {
  /** The time of day, ms since 1970. */
  readonly now: () => number
  readonly onEvent: (event: PipelineEvent) => void
}

/** Where `serve` stands. */
export interface ServeStatus {
  readonly ingest: IngestProgress
  /** Absent until the first release is loaded. */
  readonly release?: { readonly version: string; readonly vectors: number }
  readonly addresses: Addresses
}

/** Where each role stands, as far as it was heard of. */
export interface RoleStatuses {
  readonly serve?: ServeStatus
  readonly embed?: EmbedderStatus
  readonly learn?: LearnerStatus
}

/** A role at work. */
export interface Role {
  /** Resolves with the error that it cannot go on after: the process is to end then. */
  readonly failed: Promise<unknown>
  status(): Promise<RoleStatuses>
  /** Hears what happens in other roles, for those who watch this one. */
  hear(event: PipelineEvent): void
  /**
   * Ends; nothing that was acknowledged is lost.
   *
   * @param options - `drain`: whether requests still come for a while, and shall be answered.
   */
  stop(options: { readonly drain: boolean }): Promise<void>
}

/** Whether an error says that starting again is of no use. */
export const isHopeless = (error: unknown): boolean =>
  error instanceof PipelineError && error.code === 'CONFIG'
