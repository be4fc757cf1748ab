import { type RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { acceptBootstrapFunction } from '../constructs/bootstrap-servers.ts'
import { Kafka, type KafkaProps } from '../constructs/kafka.ts'
import { publishName } from '../constructs/parameter.ts'
import type { NetworkStack } from './network.ts'

/** Props of {@link StreamStack}. */
export interface StreamStackProps extends StackProps {
  readonly name: string
  readonly folder: string
  readonly kafka: KafkaProps
  readonly network: NetworkStack
  readonly removalPolicy: RemovalPolicy
}

/** The log: a cluster, or the way to yours. */
export class StreamStack extends Stack {
  readonly kafka: Kafka

  constructor(scope: Construct, id: string, props: StreamStackProps) {
    super(scope, id, props)
    this.kafka = new Kafka(this, 'kafka', {
      kafka: props.kafka,
      name: props.name,
      vpc: props.network.vpc,
      subnets: props.network.subnets,
      removalPolicy: props.removalPolicy,
    })
    acceptBootstrapFunction(this)
    publishName(this, props.folder, 'bootstrap-servers', this.kafka.bootstrapServers)
    publishName(this, props.folder, 'clients-security-group', this.kafka.clients.securityGroupId)
  }
}
