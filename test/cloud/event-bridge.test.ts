import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EventBridgeClient } from '@aws-sdk/client-eventbridge'
import { expect, it, onTestFinished } from 'vitest'
import { eventBridge } from '../../lib/cloud/event-bridge.ts'

interface PutEvents {
  readonly Entries: readonly Readonly<Record<string, unknown>>[]
}

/** A bus that refuses so many entries of each request, and answers 200 all the same. */
async function bus(refusing: number) {
  const requests: PutEvents[] = []
  const server = createServer(async (request, response) => {
    const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>)
    requests.push(JSON.parse(Buffer.concat(chunks).toString()))
    response.setHeader('content-type', 'application/x-amz-json-1.1')
    response.end(JSON.stringify({ FailedEntryCount: refusing, Entries: [] }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = new EventBridgeClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  })
  onTestFinished(async () => {
    client.destroy()
    server.close()
    await once(server, 'close')
  })
  return { sink: eventBridge(client, 'our-bus'), requests }
}

const event = (seq: number) => ({
  at: '2026-03-04T05:06:07.000Z',
  detail: { seq, idempotencyKey: `main/stable/${seq}` },
})

it('puts events under our name, ten to a request', async () => {
  const { sink, requests } = await bus(0)
  expect(await sink.put(Array.from({ length: 12 }, (_, i) => event(i)))).toBe(0)
  expect(requests.map(({ Entries }) => Entries.length)).toEqual([10, 2])
  expect(requests[0]?.Entries[0]).toMatchObject({
    EventBusName: 'our-bus',
    Source: 'contrastream',
    DetailType: 'ModelPublished',
    Detail: JSON.stringify(event(0).detail),
  })
})

it('counts the entries that the bus refuses although it answers well', async () => {
  const { sink } = await bus(1)
  expect(await sink.put(Array.from({ length: 12 }, (_, i) => event(i)))).toBe(2)
})
