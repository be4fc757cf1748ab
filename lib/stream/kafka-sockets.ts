import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

/** The connections of a client to the brokers. */
export interface Sockets {
  /** Makes them. */
  readonly factory: ISocketFactory
  /** Breaks those to a broker, `host:port`. */
  drop(broker: string): void
  /** Breaks all, and those that are still to be made: nothing keeps the process alive. */
  end(): void
}

/** How often a silent connection is tried, in ms. */
const keepAliveMs = 60_000

/**
 * Connections that can be broken from outside.
 *
 * kafkajs keeps one whose requests are no longer answered, and sends on it again and again: a peer
 * that vanished without a word is noticed by nobody for a quarter of an hour.
 */
export function kafkaSockets(): Sockets {
  const open = new Map<Socket, string>()
  let isOver = false
  return {
    factory: ({ host, port, ssl, onConnect }) => {
      const socket = ssl
        ? connectTls({ host, port, servername: host, ...ssl }, onConnect)
        : connect({ host, port }, onConnect)
      socket.setKeepAlive(true, keepAliveMs)
      open.set(socket, `${host}:${port}`)
      socket.once('close', () => open.delete(socket))
      if (isOver) socket.destroy(new Error('the client is closed'))
      return socket
    },
    drop: (broker) => {
      for (const [socket, to] of open) {
        if (to === broker) socket.destroy(new Error(`no answer from ${broker}`))
      }
    },
    end: () => {
      isOver = true
      for (const socket of open.keys()) socket.destroy()
    },
  }
}
