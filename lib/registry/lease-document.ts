import { z } from 'zod'
import { type LeaseLostError, RegistryError } from '../errors.ts'
import type { Tag } from '../store/types.ts'
import type { Clock } from './clock.ts'
import { countSchema, type DocumentKind } from './document.ts'

/** Who may write, and the proof of life that others watch. */
export interface LeaseDocument {
  readonly format: 1
  /** The holder; absent when released. */
  readonly owner?: string
  /** Grows by one with every change of holder. */
  readonly fence: number
  /** Grows by one with every renewal. */
  readonly beat: number
  /** How long the beat may stand still before another takes it. */
  readonly ttlMs: number
}

/** How a lease is stored. */
export const leaseKind: DocumentKind<LeaseDocument> = {
  format: 1,
  error: RegistryError,
  schema: z.strictObject({
    format: z.literal(1),
    owner: z.string().min(1).exactOptional(),
    fence: countSchema,
    beat: countSchema,
    ttlMs: z.int().min(1),
  }),
}

/** A lease just taken. */
export interface TakenLease {
  readonly key: string
  readonly document: LeaseDocument
  readonly tag: Tag
  /** When the write that proves it began, on the holder's clock. */
  readonly since: number
}

/** Settings of `holdLease`. */
export interface LeaseOptions {
  /** Who asks, unique among running processes; on one host `host:pid:start time`. */
  readonly owner: string
  /** How long a holder may stay silent, ms; 30,000 on S3, 10,000 on SQLite. */
  readonly ttlMs: number
  /** Monotonic time. The wall clock has no say. */
  readonly clock: Clock
  /** Whether that owner is known to be dead; such a holder is replaced at once. Default: unknown. */
  readonly isOwnerDead?: (owner: string) => boolean
  /** Called once when the lease is lost for good; never after `release`. */
  readonly onLost: (error: LeaseLostError) => void
  /**
   * What to do while another holds it: `wait` until it is free (a standby), or `refuse` as soon as
   * the holder shows life. Default `wait`.
   */
  readonly whenHeld?: 'wait' | 'refuse'
  /** Ends the waiting. */
  readonly signal?: AbortSignal
}

/** A lease in hand. */
export interface Lease {
  /** Larger than that of every holder before. */
  readonly fence: number
  /** False from two thirds of the TTL after the last renewal on, until one gets through. */
  isHeld(): boolean
  /** @throws {@link LeaseLostError} unless it is held. */
  assertHeld(): void
  /** Gives it back, so that the next one need not wait. */
  release(): Promise<void>
}
