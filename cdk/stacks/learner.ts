import { type RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib'
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { Cluster, Compatibility, ContainerInsights } from 'aws-cdk-lib/aws-ecs'
import type { Construct } from 'constructs'
import { CollectionTask } from '../constructs/collection-task.ts'
import type { ImageProps } from '../constructs/container-image.ts'
import { GpuService } from '../constructs/gpu-service.ts'
import { publishName } from '../constructs/parameter.ts'
import type { Pipeline } from '../constructs/pipeline-environment.ts'
import { RoleTask } from '../constructs/role-task.ts'
import { ScaleToZero } from '../constructs/scale-to-zero.ts'
import type { NetworkStack } from './network.ts'

/** Props of {@link LearnerStack}. */
export interface LearnerStackProps extends StackProps {
  readonly pipeline: Pipeline
  readonly folder: string
  readonly network: NetworkStack
  readonly cpuImage: ImageProps
  readonly gpuImage: ImageProps
  /** @default - see GpuServiceProps */
  readonly instanceTypes?: readonly string[]
  readonly spot: boolean
  readonly wakeAfter: number
  readonly removalPolicy: RemovalPolicy
}

/**
 * The single writer, which sleeps while nothing waits; the daily collection; and a task for
 * people's own commands, such as moving a channel, which must reach Kafka and the bucket.
 */
export class LearnerStack extends Stack {
  readonly cluster: Cluster
  readonly learner: GpuService
  /** Records that wait for the learner; absent where the cluster publishes no lag. */
  readonly lag: Metric | undefined

  constructor(scope: Construct, id: string, props: LearnerStackProps) {
    super(scope, id, props)
    const { pipeline, network, removalPolicy } = props
    const { kafka } = pipeline
    const { subnetIds } = network.vpc.selectSubnets(network.subnets)
    this.cluster = new Cluster(this, 'cluster', {
      vpc: network.vpc,
      containerInsightsV2: ContainerInsights.ENABLED,
    })
    const common = {
      pipeline,
      cluster: this.cluster,
      subnets: network.subnets,
      securityGroup: kafka.clientsIn(this),
      removalPolicy,
    }
    this.learner = new GpuService(this, 'learner', {
      ...common,
      vpc: network.vpc,
      image: props.gpuImage,
      instanceTypes: props.instanceTypes,
      spot: props.spot,
    })
    new CollectionTask(this, 'collection', { ...common, image: props.cpuImage })
    if (kafka.clusterName !== undefined) {
      const scaling = new ScaleToZero(this, 'sleep', {
        service: this.learner.service,
        clusterName: kafka.clusterName,
        group: kafka.group('learn'),
        topic: kafka.topic('unlabeled'),
        wakeAfter: props.wakeAfter,
      })
      this.lag = scaling.lag
    }
    const operator = new RoleTask(this, 'operator', {
      pipeline,
      role: 'operator',
      command: ['models', 'list'],
      image: props.cpuImage,
      compatibility: Compatibility.FARGATE,
      cpu: 512,
      memoryMiB: 1_024,
      removalPolicy,
    })
    publishName(this, props.folder, 'operator-task', operator.definition.family)
    publishName(this, props.folder, 'subnets', subnetIds.join(','))
    publishName(this, props.folder, 'cluster', this.cluster.clusterName)
    publishName(this, props.folder, 'learner-service', this.learner.service.serviceName)
  }
}
