import { trace } from '@opentelemetry/api'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { readImageRecord } from '../../../lib/stream/envelope.ts'
import { topicNames } from '../../../lib/stream/topics.ts'
import type { InRecord } from '../../../lib/stream/types.ts'
import { ask, openShop, partsOf, png, type Running, type Shop, startServer } from './support.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`

let shop: Shop
let running: Running
beforeAll(async () => {
  shop = await openShop({}, true)
  running = await startServer(partsOf(shop))
})
afterAll(async () => {
  await running.server.close({ drainMs: 0 })
  await shop.close()
})
afterEach(() => trace.disable())

/** The record that a picture came in. */
async function recordOf(id: string): Promise<InRecord> {
  const found = Promise.withResolvers<InRecord>()
  const consumption = await shop.pipeline.stream.subscribe({
    topics: [topicNames.unlabeled],
    group: `test-${id}`,
    maxBatchBytes: 1 << 20,
    onAssign: async (partitions) => new Map(partitions.map((one) => [one, 'earliest'] as const)),
    onRevoke: async () => undefined,
    onBatch: async ({ records }) => {
      const mine = records.find(({ key }) => new TextDecoder().decode(key) === id)
      if (mine !== undefined) found.resolve(mine)
    },
    onFatal: found.reject,
  })
  const record = await found.promise
  await consumption.stop()
  return record
}

async function send(level: number, headers: Record<string, string>) {
  const body = (await png(level)) as Uint8Array<ArrayBuffer>
  const answer = await ask(`${running.data}/v1/images`, { method: 'POST', body, headers })
  expect(answer.status).toBe(202)
  const record = await recordOf(String(answer.json['id']))
  const { envelope } = readImageRecord(topicNames.unlabeled, record) as {
    envelope?: { traceparent?: string }
  }
  const requestId = String(answer.headers.get('x-request-id'))
  const line = () =>
    shop.lines.map((one) => JSON.parse(one)).find((one) => one.requestId === requestId)
  await expect.poll(line).toBeDefined()
  return { envelope, line: line() }
}

it('goes with a picture from the request to its record and its line in the log', async () => {
  const { envelope, line } = await send(31, { traceparent })
  expect(envelope?.traceparent).toBe(traceparent)
  expect(line).toMatchObject({ msg: 'answered', traceId })
})

it.each([
  ['words', 32, 'not a trace'],
  ['a trace of zeros', 33, `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
  ['a version that is none', 34, `ff-${traceId}-00f067aa0ba902b7-01`],
])('leaves %s behind, and takes the picture', async (_, level, header) => {
  const { envelope, line } = await send(level, { traceparent: header })
  expect(envelope).not.toHaveProperty('traceparent')
  expect(line).not.toHaveProperty('traceId')
})

it("makes a span of a request within its sender's trace, and hands it on with the record", async () => {
  const exporter = new InMemorySpanExporter()
  const spanProcessors = [new SimpleSpanProcessor(exporter)]
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }))
  const { envelope, line } = await send(35, { traceparent })
  await expect.poll(() => exporter.getFinishedSpans().length).toBe(1)
  const [span] = exporter.getFinishedSpans()
  expect(span).toMatchObject({
    name: 'POST /v1/images',
    parentSpanContext: { spanId: '00f067aa0ba902b7' },
    attributes: { 'http.route': '/v1/images', 'http.response.status_code': 202 },
  })
  expect(envelope?.traceparent).toBe(`00-${traceId}-${span?.spanContext().spanId}-01`)
  expect(line).toMatchObject({ traceId })
})

it('makes no span of a probe', async () => {
  const exporter = new InMemorySpanExporter()
  const spanProcessors = [new SimpleSpanProcessor(exporter)]
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }))
  await ask(`${running.admin}/livez`)
  await send(36, {})
  await expect
    .poll(() => exporter.getFinishedSpans().map(({ name }) => name))
    .toEqual(['POST /v1/images'])
})
