import type { IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2'
import type { Role } from 'aws-cdk-lib/aws-iam'
import {
  EventSourceMapping,
  type EventSourceMappingOptions,
  type Function as LambdaFunction,
  SourceAccessConfigurationType,
  StartingPosition,
} from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { Rights, Topic } from '../rights.ts'
import { allow } from './allow.ts'
import type { Kafka } from './kafka.ts'
import { grantKafka } from './kafka-rights.ts'

type EventSource = Pick<
  EventSourceMappingOptions,
  'eventSourceArn' | 'kafkaBootstrapServers' | 'sourceAccessConfigurations'
>

/** Props of {@link KafkaEventSource}. */
export interface KafkaEventSourceProps {
  readonly kafka: Kafka
  readonly topic: Topic
  /** Whose consumer group it is. */
  readonly group: string
  readonly rights: Rights
  readonly target: LambdaFunction
  readonly role: Role
  /** Of a cluster outside of MSK: where the pollers stand. */
  readonly vpc: IVpc
  readonly subnets: SubnetSelection
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
 * Made by hand: the construct of the CDK gives no right on the cluster, adds a managed policy, and
 * lets the function delete a whole bucket of failures.
 */
export class KafkaEventSource extends Construct {
  constructor(scope: Construct, id: string, props: KafkaEventSourceProps) {
    super(scope, id)
    const { kafka, role } = props
    grantKafka(kafka, role, props.group, props.rights)
    if (kafka.clusterArn !== undefined) {
      allow(role, {
        actions: [
          'kafka:DescribeCluster',
          'kafka:DescribeClusterV2',
          'kafka:GetBootstrapBrokers',
          'kafka-cluster:DescribeClusterDynamicConfiguration',
        ],
        resources: [kafka.clusterArn],
      })
    }
    if (props.enabled === false) return
    const mapping = new EventSourceMapping(this, 'mapping', {
      target: props.target,
      kafkaTopic: kafka.topic(props.topic),
      kafkaConsumerGroupId: kafka.group(props.group),
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: 10,
      ...source(kafka, props),
    })
    // A mapping is refused while the role lacks a right.
    mapping.node.addDependency(role)
  }
}

/** Where the records are, and how the pollers log in. */
function source(kafka: Kafka, { vpc, subnets }: KafkaEventSourceProps): EventSource {
  const type =
    kafka.auth === 'scram'
      ? SourceAccessConfigurationType.SASL_SCRAM_512_AUTH
      : SourceAccessConfigurationType.CLIENT_CERTIFICATE_TLS_AUTH
  const login = kafka.secretArn === undefined ? [] : [{ type, uri: kafka.secretArn }]
  if (kafka.clusterArn !== undefined) {
    const logins = login.length > 0 && { sourceAccessConfigurations: login }
    return { eventSourceArn: kafka.clusterArn, ...logins }
  }
  const places = vpc
    .selectSubnets(subnets)
    .subnetIds.map((uri) => ({ type: SourceAccessConfigurationType.VPC_SUBNET, uri }))
  const group = {
    type: SourceAccessConfigurationType.VPC_SECURITY_GROUP,
    uri: kafka.clients.securityGroupId,
  }
  return {
    kafkaBootstrapServers: kafka.bootstrapServers.split(','),
    sourceAccessConfigurations: [...places, group, ...login],
  }
}
