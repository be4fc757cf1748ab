import { RemovalPolicy, Stage, type StageProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import type { ImageProps } from './constructs/container-image.ts'
import type { Pipeline } from './constructs/pipeline-environment.ts'
import type { Settings } from './settings.ts'
import { DataStack } from './stacks/data.ts'
import { FunctionsStack } from './stacks/functions.ts'
import { LearnerStack } from './stacks/learner.ts'
import { NetworkStack, type NetworkStackProps } from './stacks/network.ts'
import { ObservabilityStack } from './stacks/observability.ts'
import { SearchStack } from './stacks/search.ts'
import { StreamStack } from './stacks/stream.ts'

/** One pipeline in one account and region. */
export class Deployment extends Stage {
  constructor(scope: Construct, id: string, settings: Settings, props: StageProps = {}) {
    super(scope, id, props)
    const { name, stage } = settings
    const isProduction = stage === 'production'
    const removalPolicy = isProduction ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY
    // What holds state cannot be deleted by a slip of the hand.
    const stateful = { removalPolicy, terminationProtection: isProduction }
    const folder = `/contrastream/${name}/${stage}`

    const network = new NetworkStack(this, 'network', { network: networkOf(settings) })
    const { picturesRetentionDays } = settings
    const store = new DataStack(this, 'data', { ...stateful, name, folder, picturesRetentionDays })
    const { kafka } = new StreamStack(this, 'stream', {
      ...stateful,
      name,
      folder,
      kafka: settings.kafka,
      network,
    })

    const pipeline: Pipeline = {
      name,
      kafka,
      data: store.data,
      search: settings.search,
      partitions: settings.partitions,
      picturesRetentionDays,
      indexRetentionDays: settings.indexRetentionDays ?? picturesRetentionDays,
      settings: settings.settings,
    }
    const cpuImage: ImageProps = settings.cpuImage ? { uri: settings.cpuImage } : { target: 'cpu' }
    const gpuImage: ImageProps = settings.gpuImage ? { uri: settings.gpuImage } : { target: 'cuda' }
    const common = { pipeline, folder, network, removalPolicy }
    const learner = new LearnerStack(this, 'learner', {
      ...common,
      cpuImage,
      gpuImage,
      instanceTypes: settings.gpuInstanceTypes,
      spot: settings.spot,
      wakeAfter: settings.wakeAfter,
    })
    const search = settings.search
      ? new SearchStack(this, 'search', {
          ...common,
          cluster: learner.cluster,
          image: cpuImage,
          accessLogs: store.accessLogs,
          certificateArn: settings.certificateArn,
          serveNames: settings.serveNames,
        })
      : undefined
    const functions = new FunctionsStack(this, 'functions', {
      ...common,
      uploads: store.uploads,
      kafkaEvents: settings.kafkaEvents,
      inferUrl: settings.inferUrl,
    })
    // A service counts as deployed once its task is healthy, and by then the topics exist.
    functions.addStackDependency(learner)
    new ObservabilityStack(this, 'observability', {
      name,
      folder,
      uploads: store.uploads,
      learner,
      search,
      functions,
      wakeAfter: settings.wakeAfter,
      email: settings.alarmEmail,
    })
  }
}

function networkOf(settings: Settings): NetworkStackProps['network'] {
  const { vpcId, subnetIds = [], zoneNames = [], zones, egress } = settings
  if (vpcId !== undefined) return { vpcId, subnetIds, zoneNames }
  return { zones: zones === 3 ? 3 : 2, egress }
}
