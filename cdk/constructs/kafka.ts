import { Names, type RemovalPolicy } from 'aws-cdk-lib'
import {
  type ISecurityGroup,
  type IVpc,
  Port,
  SecurityGroup,
  type SubnetSelection,
} from 'aws-cdk-lib/aws-ec2'
import { Key } from 'aws-cdk-lib/aws-kms'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { CfnCluster, CfnConfiguration, CfnServerlessCluster } from 'aws-cdk-lib/aws-msk'
import { Construct } from 'constructs'
import { topicNames } from '../../lib/stream/topics.ts'
import type { Topic } from '../rights.ts'
import { bootstrapOf } from './bootstrap-servers.ts'

/** Which Kafka a pipeline uses. */
export type KafkaProps =
  | {
      readonly kind: 'provisioned'
      /** @default kafka.t3.small */
      readonly instanceType?: string
      /** @default - one a zone */
      readonly brokers?: number
    }
  | { readonly kind: 'serverless' }
  | {
      readonly kind: 'existing'
      readonly bootstrapServers: string
      /** @default - a cluster outside of MSK */
      readonly clusterArn?: string
      readonly auth: 'iam' | 'scram' | 'mtls'
      /**
       * Secret with `username` and `password`, or with `certificate` and `privateKey`.
       *
       * @default - none: `iam` needs none
       */
      readonly secretArn?: string
    }

/** Props of {@link Kafka}. */
export interface KafkaClusterProps {
  readonly kafka: KafkaProps
  readonly vpc: IVpc
  readonly subnets: SubnetSelection
  /** Name of the pipeline: in topics and groups. */
  readonly name: string
  /**
   * What becomes of key and logs when the stack is deleted.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy
}

const iamPort = Port.tcp(9098)
/** Forgetting the offsets of a learner that sleeps would hide its lag: four weeks. */
const serverProperties = `auto.create.topics.enable=false
default.replication.factor=2
min.insync.replicas=1
message.max.bytes=8388608
offsets.retention.minutes=40320
`

/** The log of a pipeline: a cluster made here, with IAM over TLS as its only door, or yours. */
export class Kafka extends Construct {
  readonly kind: KafkaProps['kind']
  readonly auth: 'iam' | 'scram' | 'mtls'
  readonly bootstrapServers: string
  readonly secretArn: string | undefined
  /** Absent: no MSK cluster. */
  readonly clusterArn: string | undefined
  /** Name in metrics; absent: the cluster publishes no lag that we could read. */
  readonly clusterName: string | undefined
  /** Whoever carries it may reach the brokers. */
  readonly clients: SecurityGroup
  readonly #name: string

  constructor(scope: Construct, id: string, props: KafkaClusterProps) {
    super(scope, id)
    const { kafka, vpc } = props
    this.#name = props.name
    this.kind = kafka.kind
    this.clients = new SecurityGroup(this, 'clients', {
      vpc,
      description: 'Roles of the pipeline: may reach the brokers',
    })
    if (kafka.kind === 'existing') {
      this.auth = kafka.auth
      this.secretArn = kafka.secretArn
      this.clusterArn = kafka.clusterArn
      this.bootstrapServers = kafka.bootstrapServers
      return
    }
    this.auth = 'iam'
    const brokers = new SecurityGroup(this, 'brokers', { vpc, description: 'Brokers' })
    brokers.addIngressRule(this.clients, iamPort, 'Roles of the pipeline')
    brokers.addIngressRule(brokers, iamPort, 'Pollers of functions, which carry this group')
    this.clusterName = Names.uniqueResourceName(this, { maxLength: 64, separator: '-' })
    this.clusterArn =
      kafka.kind === 'serverless'
        ? this.#serverless(props, brokers)
        : this.#provisioned(props, kafka, brokers)
    this.bootstrapServers = bootstrapOf(this, this.clusterArn, props.removalPolicy)
  }

  /** Name of a topic of this pipeline. */
  topic(topic: Topic): string {
    const prefix = this.#name === 'main' ? '' : `${this.#name}.`
    return `${prefix}${topicNames[topic]}`
  }

  /** Name of the group of a role; each replica of `serve` adds its own. */
  group(role: string): string {
    return `contrastream-${this.#name}-${role}`
  }

  /**
   * {@link clients} as another stack may use it, without rules of its own: the CDK would write
   * those into this stack, which would then need the other one.
   */
  clientsIn(scope: Construct): ISecurityGroup {
    const { securityGroupId } = this.clients
    return SecurityGroup.fromSecurityGroupId(scope, 'kafka-clients', securityGroupId, {
      mutable: false,
    })
  }

  #provisioned(
    props: KafkaClusterProps,
    kafka: { readonly instanceType?: string; readonly brokers?: number },
    brokers: SecurityGroup,
  ): string {
    const { subnetIds } = props.vpc.selectSubnets(props.subnets)
    const key = new Key(this, 'key', {
      enableKeyRotation: true,
      removalPolicy: props.removalPolicy,
      description: 'Volumes of the brokers',
    })
    const logs = new LogGroup(this, 'broker-logs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: props.removalPolicy,
    })
    const configuration = new CfnConfiguration(this, 'configuration', {
      name: Names.uniqueResourceName(this, { maxLength: 200, separator: '-' }),
      kafkaVersionsList: ['3.9.x.kraft'],
      serverProperties,
    })
    const cluster = new CfnCluster(this, 'cluster', {
      clusterName: this.clusterName ?? '',
      kafkaVersion: '3.9.x.kraft',
      numberOfBrokerNodes: kafka.brokers ?? subnetIds.length,
      brokerNodeGroupInfo: {
        instanceType: kafka.instanceType ?? 'kafka.t3.small',
        clientSubnets: subnetIds,
        securityGroups: [brokers.securityGroupId],
        storageInfo: { ebsStorageInfo: { volumeSize: 100 } },
      },
      configurationInfo: { arn: configuration.attrArn, revision: 1 },
      clientAuthentication: {
        sasl: { iam: { enabled: true } },
        unauthenticated: { enabled: false },
      },
      encryptionInfo: {
        encryptionAtRest: { dataVolumeKmsKeyId: key.keyArn },
        encryptionInTransit: { clientBroker: 'TLS', inCluster: true },
      },
      loggingInfo: {
        brokerLogs: { cloudWatchLogs: { enabled: true, logGroup: logs.logGroupName } },
      },
    })
    return cluster.attrArn
  }

  #serverless(props: KafkaClusterProps, brokers: SecurityGroup): string {
    const { subnetIds } = props.vpc.selectSubnets(props.subnets)
    const cluster = new CfnServerlessCluster(this, 'cluster', {
      clusterName: this.clusterName ?? '',
      clientAuthentication: { sasl: { iam: { enabled: true } } },
      vpcConfigs: [{ subnetIds, securityGroups: [brokers.securityGroupId] }],
    })
    return cluster.attrArn
  }
}
