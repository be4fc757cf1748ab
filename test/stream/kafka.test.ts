import { afterAll, beforeAll, describe } from 'vitest'
import { type Broker, kafkaVersions, startBroker } from '../kafka/broker.ts'
import { describeStream } from './contract.ts'
import { kafkaHarness } from './kafka-harness.ts'

describe.each(kafkaVersions)('on Apache Kafka %s', (version) => {
  let broker: Broker
  beforeAll(async () => {
    broker = await startBroker(version)
  })
  afterAll(() => broker.dispose())

  describeStream('kafka', () => kafkaHarness(broker))
})
