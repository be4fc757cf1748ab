import type { CloudSettings } from '../config/cloud-settings.ts'
import { type Quarantine, quarantine } from '../service/quarantine.ts'
import { kafkaStream } from '../stream/kafka.ts'
import { topicNames } from '../stream/topics.ts'
import type { StreamPort } from '../stream/types.ts'

/** Connects to the brokers of a pipeline with the first record that is sent. */
export function openStream({ config, kafka }: CloudSettings, role: string): StreamPort {
  const topicPrefix = config.name === 'main' ? '' : `${config.name}.`
  return kafkaStream(
    { ...kafka, clientId: `contrastream-${config.name}-${role}` },
    { topicPrefix, createTopics: false },
  )
}

/** Where records of a function are set aside. */
export function openQuarantine(stream: StreamPort, role: string): Quarantine {
  return quarantine(stream, topicNames.dead, role, Date.now)
}
