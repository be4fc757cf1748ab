import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type TcpProxy, tcpProxy } from '../support/tcp-proxy.ts'

/** The lines that are proved. */
export const kafkaVersions = { oldest: '3.9.2', newest: '4.3.1' } as const

/** A broker of Apache Kafka behind a proxy, both of this machine. */
export interface Broker {
  /** Where clients connect: the proxy, which the broker tells them too. */
  readonly address: string
  /** Where the broker itself listens. */
  readonly port: number
  readonly proxy: TcpProxy
  /** Starts again, on the same data, what was stopped or killed. */
  start(): Promise<void>
  stop(): Promise<void>
  /** `kill -9` */
  kill(): Promise<void>
  /** Stops it and removes its data. */
  dispose(): Promise<void>
}

const run = promisify(execFile)
const script = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/**
 * Starts a broker on free ports.
 *
 * @param more - Further `key=value` lines for its properties, given the ports that they may use.
 * @throws What `up.sh` says, such as that Maven cannot fetch Kafka.
 */
export async function startBroker(
  version: string,
  more: (ports: readonly number[]) => readonly string[] = () => [],
): Promise<Broker> {
  const folder = await mkdtemp(join(tmpdir(), 'contrastream-kafka-'))
  const port = await freePorts(4)
  const proxy = await tcpProxy(() => port)
  const advertised = `advertised.listeners=PLAINTEXT://127.0.0.1:${proxy.port}`
  const settings = more([port + 2, port + 3])
  const start = async () => {
    await run(script('up.sh'), [version, `${port}`, folder, advertised, ...settings])
  }
  const stop = async () => {
    await run(script('down.sh'), [folder])
  }
  const kill = async () => {
    await run(script('down.sh'), [folder, '--kill'])
  }
  const dispose = async () => {
    await proxy.close()
    await kill()
    await rm(folder, { recursive: true })
  }
  try {
    await start()
  } catch (error) {
    await dispose()
    throw error
  }
  return { address: `127.0.0.1:${proxy.port}`, port, proxy, start, stop, kill, dispose }
}

/** The first of so many free ports in a row. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = await listen(0)
    if (first === undefined) continue
    const others = Array.from({ length: count - 1 }, (_, i) => listen(first + 1 + i))
    if ((await Promise.all(others)).every((port) => port !== undefined)) return first
  }
}

/** Listens for a moment; the port, unless it is taken. */
function listen(port: number): Promise<number | undefined> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined))
    })
  })
}
