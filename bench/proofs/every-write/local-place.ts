import { AsyncLocalStorage } from 'node:async_hooks'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkConfig } from '../../../lib/config/load.ts'
import { openRegistry } from '../../../lib/registry/registry.ts'
import { openDatabase } from '../../../lib/service/database.ts'
import { fileBlobs } from '../../../lib/store/file.ts'
import { sqliteDocuments } from '../../../lib/store/sqlite.ts'
import { sqliteStream } from '../../../lib/stream/sqlite.ts'
import { pipelineTopics } from '../../../lib/stream/topics.ts'
import { aroundOperations, type Operation } from '../../../test/store/around-operations.ts'
import { sqliteError } from '../../../test/store/faulty-database.ts'
import type { Failing, Kind, Place, Plan, Ports } from './place.ts'
import { settings } from './settings.ts'

/** A process inside this one, as far as its operations on disk go. */
interface Process extends Plan {
  operations: number
  isDead: boolean
}

/** Whose operation it is, also once others wait for theirs. */
const process = new AsyncLocalStorage<Process>()
let isAround: Promise<void> | undefined

/** Nobody pulls the plug here: where files may live in memory, nobody waits for a disk. */
const memory = '/dev/shm'

/** A dead process that is this very one looks alive: others wait for so long, ms. */
const leaseMs = 300

const failures = ['dies before', 'dies after', 'disk full', 'I/O error after it is done'] as const

class Killed extends Error {}

/** What the system says in place of the answer. */
function errorOf({ name }: Operation, failure: string): Error {
  if (failure.startsWith('dies')) return new Killed('killed')
  const isStatement = ['exec', 'run', 'get', 'all'].includes(name)
  const isFull = failure === 'disk full'
  if (isStatement) return isFull ? sqliteError(13, 'disk is full') : sqliteError(1034, 'disk I/O')
  const code = isFull ? 'ENOSPC' : 'EIO'
  return Object.assign(new Error(`${code}: injected`), { code })
}

const isHandle = (value: unknown): value is FileHandle =>
  typeof value === 'object' && value !== null && 'fd' in value

function throwAfter(error: Error, run: () => unknown): unknown {
  const result = run()
  if (!(result instanceof Promise)) throw error
  return result.then(async (value) => {
    if (isHandle(value)) await value.close() // nobody else has it
    throw error
  })
}

/** Lets the planned operation fail; a dead process does nothing any more. */
function around(operation: Operation, run: () => unknown): unknown {
  const one = process.getStore()
  if (one === undefined) return run()
  const isSync = ['exec', 'run', 'get', 'all', 'statSync', 'rmSync'].includes(operation.name)
  const refuse = (error: Error): unknown => {
    // A handle that nobody closes is closed by the system: a dead process has none.
    if (operation.name === 'close') return throwAfter(error, run)
    if (isSync) throw error
    return Promise.reject(error)
  }
  if (one.isDead) return refuse(new Killed('dead'))
  if (operation.isRead && !one.countReads) return run()
  one.operations += 1
  if (one.operations !== one.at) return run()
  one.isDead = one.failure.startsWith('dies')
  const error = errorOf(operation, one.failure)
  return one.failure.includes('after') ? throwAfter(error, run) : refuse(error)
}

/** SQLite and a folder of blobs. */
export const local: Kind = {
  name: 'SQLite + file',
  failures,
  dispose: async () => undefined,
  empty: async (): Promise<Place> => {
    isAround ??= aroundOperations(around)
    await isAround
    const folder = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'contrastream-every-'))
    const config = checkConfig({ ...settings, data: folder })
    let passed = 0
    const now = () => Date.now() + passed
    const open = (): Ports => {
      const database = openDatabase(folder, { check: false })
      const documents = sqliteDocuments(database)
      const blobs = fileBlobs(folder, database, { now })
      const registry = openRegistry({ documents, blobs, name: 'main' })
      const stream = sqliteStream(database, { now, leaseMs })
      return { config, database, documents, blobs, registry, stream, now }
    }
    const close = async ({ stream, database }: Ports): Promise<void> => {
      await stream.close({ deadlineMs: 1_000 })
      database.close()
    }
    const sound: Place['sound'] = async (work) => {
      const ports = open()
      try {
        return await work(ports)
      } finally {
        await close(ports)
      }
    }
    await sound(({ stream }) => stream.ensureTopics(pipelineTopics()))
    return {
      sound,
      failing: async (plan): Promise<Failing> => {
        const ports = open()
        const one: Process = { ...plan, operations: 0, isDead: false }
        return {
          ports,
          within: (work) => process.run(one, work),
          get hasFailed() {
            return one.operations >= one.at
          },
          get isDead() {
            return one.isDead
          },
          close: async () => {
            one.isDead = true
            await process.run(one, () => close(ports)).catch(() => undefined)
            if (ports.database.isOpen) ports.database.close()
          },
        }
      },
      advance: (ms) => {
        passed += ms
      },
      dispose: async () => rmSync(folder, { recursive: true }),
    }
  },
}
