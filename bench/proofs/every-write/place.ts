import type { House } from '../../../lib/service/housekeeping.ts'
import type { BlobStore, DocumentStore } from '../../../lib/store/types.ts'

/** Everything that a write path works on. */
export interface Ports extends House {
  readonly documents: DocumentStore
  readonly blobs: BlobStore
  /** The time of day, ms since 1970. */
  readonly now: () => number
}

/** Which operation of a process fails, and how. */
export interface Plan {
  /** From 1. */
  readonly at: number
  readonly failure: string
  /** Whether operations count that change nothing. */
  readonly countReads: boolean
}

/** A process of which one operation fails. */
export interface Failing {
  readonly ports: Ports
  /** Works as this process. */
  within<T>(work: () => Promise<T>): Promise<T>
  readonly hasFailed: boolean
  /** Whether the failure was its end: then it may say anything. */
  readonly isDead: boolean
  /** What is left of it ends. */
  close(): Promise<void>
}

/** An empty home of a pipeline, on one kind of stores. */
export interface Place {
  /** A process in order, until `work` is done. */
  sound<T>(work: (ports: Ports) => Promise<T>): Promise<T>
  failing(plan: Plan): Promise<Failing>
  /** Lets time pass. */
  advance(ms: number): void
  dispose(): Promise<void>
}

/** One kind of stores. */
export interface Kind {
  readonly name: string
  /** Ways in which one of its operations fails. */
  readonly failures: readonly string[]
  empty(): Promise<Place>
  dispose(): Promise<void>
}
