import type { Role } from 'aws-cdk-lib/aws-iam'
import {
  EventSourceMapping,
  type Function as LambdaFunction,
  StartingPosition,
} from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { Rights, Topic } from '../rights.ts'
import { allow } from './allow.ts'
import type { Kafka } from './kafka.ts'
import { grantKafka } from './kafka-rights.ts'

/** Props of {@link KafkaEventSource}. */
export interface KafkaEventSourceProps {
  readonly kafka: Kafka
  readonly topic: Topic
  /** Whose consumer group it is. */
  readonly group: string
  readonly rights: Rights
  readonly target: LambdaFunction
  readonly role: Role
  /**
   * Whether there is a mapping; the rights stay.
   *
   * @default true
   */
  readonly enabled?: boolean
}

/**
 * Records of a topic as events of a function.
 *
 * The pollers carry the security group of the cluster, which must let in itself.
 *
 * Made by hand: the construct of the CDK gives no right on the cluster, adds a managed policy, and
 * lets the function delete a whole bucket of failures.
 */
export class KafkaEventSource extends Construct {
  constructor(scope: Construct, id: string, props: KafkaEventSourceProps) {
    super(scope, id)
    const { kafka, role } = props
    const { clusterArn } = kafka
    if (clusterArn === undefined) {
      throw new Error('KafkaEventSource: expected a cluster of MSK, got another one')
    }
    grantKafka(kafka, role, props.group, props.rights)
    allow(role, {
      actions: [
        'kafka:DescribeCluster',
        'kafka:DescribeClusterV2',
        'kafka:GetBootstrapBrokers',
        'kafka-cluster:DescribeClusterDynamicConfiguration',
      ],
      resources: [clusterArn],
    })
    if (props.enabled === false) return
    const mapping = new EventSourceMapping(this, 'mapping', {
      target: props.target,
      kafkaTopic: kafka.topic(props.topic),
      kafkaConsumerGroupId: kafka.group(props.group),
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: 10,
      eventSourceArn: clusterArn,
    })
    // A mapping is refused while the role lacks a right.
    mapping.node.addDependency(role)
  }
}
