import { createConnection, createServer, type Socket } from 'node:net'

/** A relay in front of a Kafka broker that can fail as networks do. */
export interface TcpProxy {
  /** Where it listens on 127.0.0.1. */
  readonly port: number
  /** Passes everything on, refuses new connections, or swallows all bytes both ways. */
  mode(mode: 'pass' | 'refuse' | 'black-hole'): void
  /** Swallows the answers to the next requests of a kind, once the broker has given them. */
  loseAnswers(apiKey: number, count: number): void
  /** How many answers are still to be swallowed. */
  toLose(): number
  /**
   * Puts an error into the next answer to a request of a kind.
   *
   * @param at - Where the answer, its length first, has its code.
   */
  failAnswer(apiKey: number, code: number, at: (answer: Buffer) => number): void
  /** Lets the connections of now go on without passing anything; later ones work. */
  vanish(): void
  /** Breaks all connections. */
  reset(): void
  close(): Promise<void>
}

/** Numbers of the protocol's requests. */
export const apiKeys = { produce: 0, fetch: 1, offsetCommit: 8, findCoordinator: 10 } as const

/**
 * Starts a relay to a port of 127.0.0.1.
 *
 * @param port - Where to listen; 0 for any.
 */
export async function tcpProxy(target: () => number, port = 0): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let vanished = 0
  let connections = 0
  let mode: 'pass' | 'refuse' | 'black-hole' = 'pass'
  let lostKey = -1
  let lost = 0
  const faults = new Map<number, (answer: Buffer) => void>()

  const server = createServer((client) => {
    if (mode === 'refuse') {
      client.resetAndDestroy()
      return
    }
    const number = connections++
    const isSilent = () => mode === 'black-hole' || number < vanished
    const broker = createConnection({ host: '127.0.0.1', port: target() })
    const kinds = new Map<number, number>() // of requests without an answer, by correlation id
    const requests = frames((frame) => {
      kinds.set(frame.readInt32BE(8), frame.readInt16BE(4))
      if (!isSilent()) broker.write(frame)
    })
    const answers = frames((frame) => {
      const id = frame.readInt32BE(4)
      const kind = kinds.get(id) ?? -1
      const isLost = lost > 0 && kind === lostKey
      kinds.delete(id)
      faults.get(kind)?.(frame)
      faults.delete(kind)
      if (isLost) lost -= 1
      else if (!isSilent()) client.write(frame)
    })
    client.on('data', requests)
    broker.on('data', answers)
    for (const [one, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.end()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address()
  const reset = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    port: typeof address === 'object' && address ? address.port : port,
    mode: (wanted) => {
      mode = wanted
    },
    loseAnswers: (apiKey, count) => {
      lostKey = apiKey
      lost = count
    },
    toLose: () => lost,
    failAnswer: (apiKey, code, at) => {
      faults.set(apiKey, (answer) => void answer.writeInt16BE(code, at(answer)))
    },
    vanish: () => {
      vanished = connections
    },
    reset,
    close: () => {
      reset()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** Cuts a stream of bytes into frames with their four bytes of length. */
function frames(onFrame: (frame: Buffer) => void): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0)
  return (bytes) => {
    rest = Buffer.concat([rest, bytes])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0)
      onFrame(rest.subarray(0, end))
      rest = rest.subarray(end)
    }
  }
}
