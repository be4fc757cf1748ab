import { ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { contextOf, traced, traceparentOf, tracer } from '../../lib/service/tracing.ts'

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const exporter = new InMemorySpanExporter()
const processor = new SimpleSpanProcessor(exporter)

beforeEach(() => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }))
})
afterEach(() => {
  trace.disable()
  exporter.reset()
})

describe('contextOf', () => {
  it('goes on where a header says', () => {
    expect(trace.getSpanContext(contextOf(traceparent))).toMatchObject({
      spanId: '00f067aa0ba902b7',
      traceFlags: 1,
      isRemote: true,
    })
  })

  it.each([undefined, 'words', traceparent.replace(/^00/, 'ff')])('begins anew at %s', (header) => {
    expect(contextOf(header)).toBe(ROOT_CONTEXT)
  })
})

describe('traceparentOf', () => {
  it('is read back as the same span', () => {
    const span = tracer().startSpan('work')
    const read = trace.getSpanContext(contextOf(traceparentOf(span)))
    expect(read?.spanId).toBe(span.spanContext().spanId)
  })

  it('is absent while nobody records', () => {
    trace.disable()
    expect(traceparentOf(tracer().startSpan('work'))).toBeUndefined()
  })
})

describe('traced', () => {
  it('ends its span with the work, within the parent', async () => {
    const work = traced('work', { attributes: { n: 1 } }, contextOf(traceparent), async () => 7)
    expect(await work).toBe(7)
    const [span] = exporter.getFinishedSpans()
    expect(span).toMatchObject({ name: 'work', attributes: { n: 1 } })
    expect(span?.parentSpanContext?.spanId).toBe('00f067aa0ba902b7')
  })

  it('carries the error of the work, which goes on', async () => {
    const failing = traced('work', {}, ROOT_CONTEXT, () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    const [span] = exporter.getFinishedSpans()
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'Error: no' })
  })
})
