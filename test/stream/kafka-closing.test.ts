import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { kafkaStream } from '../../lib/stream/kafka.ts'

/** What takes connections and never answers. */
let server: Server
const connections = new Set<Socket>()

beforeEach(async () => {
  server = createServer((socket) => {
    connections.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => connections.delete(socket))
    socket.resume()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(() => {
  for (const socket of connections) socket.destroy()
  server.close()
})

describe('kafkaStream, when it is closed during a call', () => {
  it('leaves no connection open, which would keep the process alive', async () => {
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const stream = kafkaStream({ brokers: [`127.0.0.1:${port}`], clientId: 'test' })
    const asked = stream.identity().catch((error: unknown) => error)
    await vi.waitFor(() => expect(connections.size).toBeGreaterThan(0))
    await stream.close({ deadlineMs: 100 })
    await vi.waitFor(() => expect(connections.size).toBe(0))
    expect(await asked).toBeInstanceOf(Error)
    expect(connections.size).toBe(0)
  })
})
