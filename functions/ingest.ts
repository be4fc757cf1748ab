/** Uploads become pictures of the pipeline: S3 → SQS → here → Kafka. */
import { createHash } from 'node:crypto'
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch'
import { Logger } from '@aws-lambda-powertools/logger'
import type { SQSHandler, SQSRecord } from 'aws-lambda'
import { type IngestParts, ingestUploads } from '../lib/cloud/ingest-uploads.ts'
import { openStores } from '../lib/cloud/open-stores.ts'
import { cloudSettings } from '../lib/config/cloud-settings.ts'
import { isErased } from '../lib/service/erasures.ts'
import { limitsOf } from '../lib/service/image-limits.ts'
import { openKafka } from '../lib/service/open-kafka.ts'
import { quarantine } from '../lib/service/quarantine.ts'
import { topicNames } from '../lib/stream/topics.ts'

/** Handles messages of the uploads queue; answers with those that must come again. */
export function ingestHandler(parts: IngestParts, logger: Logger): SQSHandler {
  const processor = new BatchProcessor(EventType.SQS)
  const one = async ({ body, messageId }: SQSRecord): Promise<void> => {
    try {
      logger.info('ingested', { messageId, ...(await ingestUploads(parts, body, Date.now())) })
    } catch (error) {
      logger.error('not ingested', { messageId, error: error as Error })
      throw error
    }
  }
  return (event, context) =>
    processPartialResponse(event, one, processor, { context, throwOnFullBatchFailure: false })
}

function openParts(): IngestParts {
  const settings = cloudSettings()
  const { blobs, documents, readUpload } = openStores(settings)
  const stream = openKafka(settings.config)
  const limits = limitsOf(settings.config)
  return {
    bucket: settings.uploadsBucket,
    read: readUpload,
    limits,
    accept: {
      blobs,
      stream,
      topic: topicNames.unlabeled,
      source: 'uploads',
      limits,
      hash: async (bytes) => createHash('sha256').update(bytes).digest('hex'),
      isErased: (id) => isErased(documents, id),
    },
    quarantine: quarantine(stream, topicNames.dead, 'ingest', Date.now),
  }
}

export const handler: SQSHandler = ingestHandler(openParts(), new Logger({ serviceName: 'ingest' }))
