import { Duration, type RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib'
import { EventBus } from 'aws-cdk-lib/aws-events'
import { EventSourceMapping, FunctionUrlAuthType, InvokeMode } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import { environmentNames } from '../../lib/config/names.ts'
import { allow } from '../constructs/allow.ts'
import { KafkaEventSource } from '../constructs/kafka-event-source.ts'
import { grantKafka } from '../constructs/kafka-rights.ts'
import { publishName } from '../constructs/parameter.ts'
import type { Pipeline } from '../constructs/pipeline-environment.ts'
import { PipelineFunction } from '../constructs/pipeline-function.ts'
import type { UploadBucket } from '../constructs/upload-bucket.ts'
import { roleRights } from '../rights.ts'
import type { NetworkStack } from './network.ts'

/** Props of {@link FunctionsStack}. */
export interface FunctionsStackProps extends StackProps {
  readonly pipeline: Pipeline
  readonly folder: string
  readonly network: NetworkStack
  readonly uploads: UploadBucket
  /** Whether `model-published` is invoked by records of Kafka. */
  readonly kafkaEvents: boolean
  /** Whether `infer` has a URL, which wants signed requests. */
  readonly inferUrl: boolean
  readonly removalPolicy: RemovalPolicy
}

/** Pictures in by upload, news of models out, answers without a server. */
export class FunctionsStack extends Stack {
  readonly ingest: PipelineFunction
  readonly modelPublished: PipelineFunction
  readonly infer: PipelineFunction

  constructor(scope: Construct, id: string, props: FunctionsStackProps) {
    super(scope, id, props)
    const { pipeline, network, uploads, removalPolicy } = props
    const { kafka } = pipeline
    const common = { pipeline, removalPolicy }
    const inside = {
      vpc: network.vpc,
      subnets: network.subnets,
      securityGroup: kafka.clientsIn(this),
    }

    this.ingest = new PipelineFunction(this, 'ingest', {
      ...common,
      file: 'ingest',
      role: 'ingest',
      network: inside,
      timeout: Duration.seconds(60),
      memoryMiB: 1_024,
      environment: { [environmentNames.uploadsBucket]: uploads.bucket.bucketName },
    })
    uploads.grantRead(this.ingest.role)
    grantKafka(kafka, this.ingest.role, 'ingest', roleRights.ingest)
    uploads.queue.grantConsumeMessages(this.ingest.role)
    new EventSourceMapping(this, 'uploads', {
      target: this.ingest.function,
      eventSourceArn: uploads.queue.queueArn,
      batchSize: 10,
      maxConcurrency: 5, // each is a client of the brokers
      reportBatchItemFailures: true,
    }).node.addDependency(this.ingest.role)

    const bus = new EventBus(this, 'bus')
    this.modelPublished = new PipelineFunction(this, 'model-published', {
      ...common,
      file: 'model-published',
      role: 'modelPublished',
      network: inside,
      timeout: Duration.seconds(60),
      memoryMiB: 512,
      environment: { [environmentNames.eventBus]: bus.eventBusName },
    })
    allow(this.modelPublished.role, { actions: ['events:PutEvents'], resources: [bus.eventBusArn] })
    new KafkaEventSource(this, 'published', {
      kafka,
      topic: 'published',
      group: 'model-published',
      rights: roleRights.modelPublished,
      target: this.modelPublished.function,
      role: this.modelPublished.role,
      vpc: network.vpc,
      subnets: network.subnets,
      enabled: props.kafkaEvents,
    })

    this.infer = new PipelineFunction(this, 'infer', {
      ...common,
      file: 'infer',
      role: 'infer',
      timeout: Duration.seconds(60),
      memoryMiB: 3_072,
      maxConcurrency: 10,
      environment: {
        [environmentNames.maxIndexMb]: '1024',
        [environmentNames.uploadsBucket]: uploads.bucket.bucketName,
      },
    })
    // A request holds 4.4 MB of picture at most: a larger one is uploaded first.
    uploads.grantRead(this.infer.role)
    if (props.inferUrl) {
      const url = this.infer.function.addFunctionUrl({
        authType: FunctionUrlAuthType.AWS_IAM,
        invokeMode: InvokeMode.BUFFERED,
      })
      publishName(this, props.folder, 'infer-url', url.url)
    }
    publishName(this, props.folder, 'event-bus', bus.eventBusName)
    publishName(this, props.folder, 'infer-function', this.infer.function.functionName)
  }
}
