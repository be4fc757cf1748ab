/** Moves of `stable` become events: Kafka → here → EventBridge. */
import { Logger } from '@aws-lambda-powertools/logger'
import { EventBridgeClient } from '@aws-sdk/client-eventbridge'
import type { MSKHandler } from 'aws-lambda'
import { type AnnounceParts, announceModels } from '../lib/cloud/announce-models.ts'
import { eventBridge } from '../lib/cloud/event-bridge.ts'
import { openStores } from '../lib/cloud/open-stores.ts'
import { cloudSettings } from '../lib/config/cloud-settings.ts'
import { openKafka } from '../lib/service/open-kafka.ts'
import { quarantine } from '../lib/service/quarantine.ts'
import { topicNames } from '../lib/stream/topics.ts'

const role = 'model-published'

/** Handles records of `models.published`; throws when they must come again. */
export function announceHandler(parts: AnnounceParts, logger: Logger): MSKHandler {
  return async (event) => {
    logger.info('announced', { ...(await announceModels(parts, event)) })
  }
}

function openParts(): AnnounceParts {
  const settings = cloudSettings()
  return {
    blobs: openStores(settings).blobs,
    events: eventBridge(new EventBridgeClient(), settings.eventBus),
    quarantine: quarantine(openKafka(settings.config), topicNames.dead, role, Date.now),
  }
}

export const handler: MSKHandler = announceHandler(openParts(), new Logger({ serviceName: role }))
