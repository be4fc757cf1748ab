import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { boundedLine } from '../../../lib/service/http/bounded-line.ts'

it('looks at no more requests of a connection than it bounds, and the one that it refuses', async () => {
  const waiting: ServerResponse[] = []
  const handler = boundedLine((_, response) => waiting.push(response), 3)
  let parsed = 0
  const server = createServer((request, response) => {
    parsed += 1
    handler(request, response)
  }).listen(0)
  onTestFinished(() => void server.close())
  const socket = connect((server.address() as AddressInfo).port)
  let received = ''
  socket.on('data', (chunk) => (received += chunk))
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(5_000)) // several packets
  await expect.poll(() => waiting.length, { timeout: 10_000 }).toBe(3)
  for (const response of waiting) response.end('fine')
  await new Promise((resolve) => socket.once('close', resolve))
  expect(waiting).toHaveLength(3)
  expect(parsed).toBe(4)
  expect(received.match(/HTTP\/1\.1 \d{3}/g)).toEqual([
    ...Array(3).fill('HTTP/1.1 200'),
    'HTTP/1.1 429',
  ])
  expect(received).toContain('"limit":3,"got":4')
})

it('goes on with a connection whose requests are answered in turn', async () => {
  const handler = boundedLine((_, response) => void response.end('fine'), 1)
  const server = createServer(handler).listen(0)
  onTestFinished(() => void server.close())
  const socket = connect((server.address() as AddressInfo).port)
  let received = ''
  socket.on('data', (chunk) => (received += chunk))
  for (let i = 1; i <= 5; i += 1) {
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await expect.poll(() => received.match(/fine/g)?.length, { timeout: 10_000 }).toBe(i)
  }
  socket.destroy()
})
