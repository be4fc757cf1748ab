import type { SQSEvent } from 'aws-lambda'
import { expect, it, vi } from 'vitest'
import { StoreError } from '../../lib/errors.ts'
import { quarantine } from '../../lib/service/quarantine.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import { limits, picture, recordsOf, uploadEvent } from '../cloud/support.ts'
import { temporaryPipeline } from '../support/stores.ts'
import { context, nowhere, silent } from './support.ts'

for (const [name, value] of Object.entries(nowhere)) vi.stubEnv(name, value)
const { ingestHandler } = await import('../../functions/ingest.ts')

/** A batch of messages, numbered from 1. */
function eventOf(...bodies: readonly string[]): SQSEvent {
  const Records = bodies.map((body, i) => ({ messageId: String(i + 1), body }))
  return { Records } as unknown as SQSEvent
}

it('asks for the messages that met a fault of ours, and for no other one', async () => {
  const stores = await temporaryPipeline()
  const good = await picture(1)
  const handler = ingestHandler(
    {
      bucket: 'uploads',
      read: async (key) => {
        if (key === 'slow') throw new StoreError('s3: expected an answer', { retryable: true })
        return good
      },
      limits,
      accept: {
        ...stores,
        topic: topicNames.unlabeled,
        source: 'uploads',
        limits,
        hash: async () => 'a'.repeat(64),
        isErased: async () => false,
      },
      quarantine: quarantine(stores.stream, topicNames.dead, 'ingest', () => 5),
    },
    silent,
  )
  const bodies = [uploadEvent([{ key: 'good' }]), 'nonsense', uploadEvent([{ key: 'slow' }])]
  const answer = await handler(eventOf(...bodies), context, () => undefined)
  expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: '3' }] })
  expect(await recordsOf(stores.stream, topicNames.unlabeled)).toHaveLength(1)
  expect(await recordsOf(stores.stream, topicNames.dead)).toHaveLength(1)
})
