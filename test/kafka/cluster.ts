import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePorts } from './broker.ts'

/** Three brokers of this machine that are one cluster; each is a controller, too. */
export interface Cluster {
  /** Where the brokers listen, by their number from 0. */
  readonly addresses: readonly string[]
  /** Starts again, on the same data, what was killed. */
  start(...numbers: readonly number[]): Promise<void>
  /** `kill -9` */
  kill(...numbers: readonly number[]): Promise<void>
  /** Ends all and removes their data. */
  dispose(): Promise<void>
}

const run = promisify(execFile)
const script = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const brokers = [0, 1, 2] as const

/**
 * Starts a cluster that keeps each record three times, and acknowledges none that two brokers do not
 * have.
 *
 * @throws What `up.sh` says.
 */
export async function startCluster(version: string): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'contrastream-cluster-'))
  const first = await freePorts(2 * brokers.length)
  const portOf = (number: number) => first + 2 * number
  const voters = brokers.map((number) => `${number + 1}@127.0.0.1:${portOf(number) + 1}`)
  const settings = [
    `controller.quorum.voters=${voters.join(',')}`,
    'default.replication.factor=3',
    'min.insync.replicas=2',
    'offsets.topic.replication.factor=3',
    'java.heap=256m',
    'log.cleaner.dedupe.buffer.size=16777216',
  ]
  const folderOf = (number: number) => join(folder, `${number}`)
  // At once: none answers before two of them are there.
  const start = async (...numbers: readonly number[]) => {
    const one = (number: number) =>
      run(script('up.sh'), [
        ...[version, `${portOf(number)}`, folderOf(number), `node.id=${number + 1}`, ...settings],
      ])
    await Promise.all(numbers.map(one))
  }
  const kill = async (...numbers: readonly number[]) => {
    await Promise.all(numbers.map((number) => run(script('down.sh'), [folderOf(number), '--kill'])))
  }
  const dispose = async () => {
    await kill(...brokers)
    await rm(folder, { recursive: true })
  }
  try {
    await start(...brokers)
  } catch (error) {
    await dispose()
    throw error
  }
  const addresses = brokers.map((number) => `127.0.0.1:${portOf(number)}`)
  return { addresses, start, kill, dispose }
}
