import { afterEach, beforeEach } from 'vitest'
import type { BlobStore, Digest, Space } from '../../lib/store/types.ts'
import { type ChildProgram, endChildren } from './child.ts'

/** One fresh, empty store, as an adapter's test provides it. */
export interface StoreHarness<Store> {
  /** A further client of the store, as another process would have. */
  open(): Promise<Store>
  /** A program that opens the same store and calls `serveStores`. */
  peer(): ChildProgram
  /**
   * That program again, killed right before its `n`th system call or request once it is told to
   * count. Absent where that cannot be arranged.
   */
  mortalPeer?(n: number): ChildProgram
  readonly faults?: {
    /** No room for another document or blob, until the function it resolves to is called. */
    fullDisk(store: Store): Promise<() => Promise<void>>
    readOnly(store: Store): Promise<() => Promise<void>>
    /** The next write is done, but its answer is lost. */
    loseAnswer(store: Store): Promise<void>
  }
  /** Removes the store. */
  dispose(): Promise<void>
}

/** What a blob store needs beyond that. */
export interface BlobHarness extends StoreHarness<BlobStore> {
  /** Lets time pass for the clients of this process, in ms. */
  advance(ms: number): void
  /** Changes one byte of a stored blob behind the store's back. */
  flipByte(space: Space, digest: Digest): Promise<void>
  /** Removes what is past these ages by space, kept pictures excepted. */
  expire(store: BlobStore, expireMs: Partial<Record<Space, number>>): Promise<void>
}

/** A fresh store for each test of the enclosing block. */
export function fixture<Store, Harness extends StoreHarness<Store>>(
  make: () => Promise<Harness>,
): () => { readonly harness: Harness; readonly store: Store } {
  let current: { harness: Harness; store: Store } | undefined
  beforeEach(async () => {
    const harness = await make()
    current = { harness, store: await (harness as StoreHarness<Store>).open() }
  })
  afterEach(async () => {
    await endChildren()
    await current?.harness.dispose()
  })
  return () => current as { harness: Harness; store: Store }
}

/** A function that is called often enough to be killed at each of its steps: fails past this. */
export const mostSteps = 80

/** Time that a test may take which starts a process for each step: a busy machine needs seconds. */
export const stepsMs: number = mostSteps * 3_000
