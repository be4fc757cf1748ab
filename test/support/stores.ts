import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { StoreError } from '../../lib/errors.ts'
import { openDatabase } from '../../lib/service/database.ts'
import { fileBlobs } from '../../lib/store/file.ts'
import { sqliteDocuments } from '../../lib/store/sqlite.ts'
import type { BlobStore, DocumentStore } from '../../lib/store/types.ts'
import { sqliteStream } from '../../lib/stream/sqlite.ts'
import { pipelineTopics } from '../../lib/stream/topics.ts'
import type { StreamPort } from '../../lib/stream/types.ts'

/** The three ports of one data folder. */
export interface Stores {
  readonly documents: DocumentStore
  readonly blobs: BlobStore
  readonly stream: StreamPort
}

/** A data folder of its own, gone when the test ends. */
export interface TemporaryStores extends Stores {
  readonly folder: string
  /** The wall clock of blobs and records, ms since 1970; tests move it. */
  readonly wall: { ms: number }
  /** Opens the folder once more, as another process would. */
  again(): Stores
}

/** Opens the embedded adapters in a temporary folder. */
export function temporaryStores(): TemporaryStores {
  const folder = mkdtempSync(join(tmpdir(), 'contrastream-test-'))
  const wall = { ms: 1_700_000_000_000 }
  const closing: (() => void)[] = []
  const open = (): Stores => {
    const db = openDatabase(folder, { check: false })
    const now = () => wall.ms
    const stream = sqliteStream(db, { now })
    closing.push(() => db.close())
    return { documents: sqliteDocuments(db), blobs: fileBlobs(folder, db, { now }), stream }
  }
  const stores = open()
  onTestFinished(() => {
    for (const close of closing) close()
    rmSync(folder, { recursive: true })
  })
  return { ...stores, folder, wall, again: open }
}

/** {@link temporaryStores} with the topics of a pipeline. */
export async function temporaryPipeline(): Promise<TemporaryStores> {
  const stores = temporaryStores()
  await stores.stream.ensureTopics(pipelineTopics())
  return stores
}

/** How a call on a port fails. */
export type Fault =
  /** The process dies before the call. */
  | 'dies-before'
  /** The process dies after the call, before it hears the answer. */
  | 'dies-after'
  /** The call takes effect, its answer is lost, and the process lives on. */
  | 'answer-lost'

/** What a process throws that was killed by {@link faulty}. */
class Killed extends Error {}

/** The same ports, of which the call number `at` (from 1) fails. */
function faulty(
  stores: Stores,
  at: number,
  fault: Fault,
): Stores & { readonly hasFailed: () => boolean } {
  let calls = 0
  let isDead = false
  /** Counts a call; what comes back says whether it is to fail. */
  const isPlanned = (): boolean => {
    if (isDead) throw new Killed('dead')
    calls += 1
    if (calls !== at) return false
    isDead = fault !== 'answer-lost'
    if (fault === 'dies-before') throw new Killed('before')
    return true
  }
  const failure = (): Error =>
    isDead
      ? new Killed('after')
      : new StoreError('the answer is lost', { reason: 'unknown', retryable: true })
  const wrap = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const method = Reflect.get(target, name) as (...args: unknown[]) => unknown
        if (name === 'list' && target === (stores.blobs as object)) {
          return async function* (...args: Parameters<BlobStore['list']>) {
            const failing = isPlanned()
            for await (const info of stores.blobs.list(...args)) {
              yield info
              if (failing) throw failure()
            }
          }
        }
        return async (...args: unknown[]) => {
          const failing = isPlanned()
          const answer = await method.apply(target, args)
          if (failing) throw failure()
          return answer
        }
      },
    })
  return {
    documents: wrap(stores.documents),
    blobs: wrap(stores.blobs),
    stream: wrap(stores.stream),
    hasFailed: () => calls >= at,
  }
}

/** One way of failing: which call, and how. */
export interface Step {
  readonly call: number
  readonly fault: Fault
}

/**
 * Runs a scenario again and again, in which the 1st, 2nd, … call on a port fails, until a run
 * completes unharmed.
 *
 * @param run - Works on ports that fail at one call; then `recover` works on the intact ones and
 *   checks what must hold.
 * @returns How many calls the unharmed run made.
 */
export async function failEveryCall(
  faults: readonly Fault[],
  prepare: () => Promise<TemporaryStores>,
  run: (stores: Stores) => Promise<unknown>,
  recover: (stores: TemporaryStores, step: Step) => Promise<void>,
): Promise<number> {
  let calls = 0
  for (const fault of faults) {
    for (let call = 1; ; call += 1) {
      const stores = await prepare()
      const broken = faulty(stores, call, fault)
      let isUnharmed = false
      try {
        await run(broken)
        isUnharmed = !broken.hasFailed()
      } catch (error) {
        const isPlanned = error instanceof Killed || (error as StoreError).reason === 'unknown'
        if (!isPlanned) throw error
      }
      await recover(stores, { call, fault })
      calls = call - 1
      if (isUnharmed) break
    }
  }
  return calls
}
