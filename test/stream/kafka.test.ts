import { kafkaVersions } from '../kafka/broker.ts'
import { describeKafka } from './kafka-suite.ts'

describeKafka(kafkaVersions.newest)
