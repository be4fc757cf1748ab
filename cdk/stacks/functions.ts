import { Duration, type RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib'
import type { ISecurityGroup } from 'aws-cdk-lib/aws-ec2'
import { type CfnEventBus, EventBus } from 'aws-cdk-lib/aws-events'
import { EventSourceMapping, FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda'
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

/**
 * Pictures in by upload, news of models out, answers without a server.
 *
 * Functions log in to Kafka by their role: where a cluster has another login, those two that talk
 * to it are left out.
 */
export class FunctionsStack extends Stack {
  readonly infer: PipelineFunction
  readonly ingest: PipelineFunction | undefined
  readonly modelPublished: PipelineFunction | undefined

  constructor(scope: Construct, id: string, props: FunctionsStackProps) {
    super(scope, id, props)
    const isLoggedInByRole = props.pipeline.kafka.auth === 'iam'
    this.ingest = isLoggedInByRole ? this.#addIngest(props) : undefined
    this.modelPublished = isLoggedInByRole ? this.#addModelPublished(props) : undefined
    this.infer = this.#addInfer(props)
  }

  #addIngest(props: FunctionsStackProps): PipelineFunction {
    const { pipeline, uploads } = props
    const ingest = new PipelineFunction(this, 'ingest', {
      ...this.#common(props),
      file: 'ingest',
      role: 'ingest',
      network: this.#network(props),
      memoryMiB: 1_024,
      environment: { [environmentNames.uploadsBucket]: uploads.bucket.bucketName },
    })
    uploads.grantRead(ingest.role)
    uploads.queue.grantConsumeMessages(ingest.role)
    grantKafka(pipeline.kafka, ingest.role, 'ingest', roleRights.ingest)
    const mapping = new EventSourceMapping(this, 'uploads', {
      target: ingest.function,
      eventSourceArn: uploads.queue.queueArn,
      batchSize: 10,
      maxConcurrency: 5, // each is a client of the brokers
      reportBatchItemFailures: true,
    })
    // A mapping is refused while the role lacks a right.
    mapping.node.addDependency(ingest.role)
    return ingest
  }

  #addModelPublished(props: FunctionsStackProps): PipelineFunction {
    const bus = new EventBus(this, 'bus')
    // Its attribute: moto puts more than the name where the template refers to the bus.
    const { attrName } = bus.node.defaultChild as CfnEventBus
    publishName(this, props.folder, 'event-bus', attrName)
    const announcing = new PipelineFunction(this, 'model-published', {
      ...this.#common(props),
      file: 'model-published',
      role: 'modelPublished',
      network: this.#network(props),
      memoryMiB: 512,
      environment: { [environmentNames.eventBus]: attrName },
    })
    allow(announcing.role, { actions: ['events:PutEvents'], resources: [bus.eventBusArn] })
    new KafkaEventSource(this, 'published', {
      kafka: props.pipeline.kafka,
      topic: 'published',
      group: 'model-published',
      rights: roleRights.modelPublished,
      target: announcing.function,
      role: announcing.role,
      enabled: props.kafkaEvents,
    })
    return announcing
  }

  #addInfer(props: FunctionsStackProps): PipelineFunction {
    const { uploads, folder } = props
    const infer = new PipelineFunction(this, 'infer', {
      ...this.#common(props),
      file: 'infer',
      role: 'infer',
      memoryMiB: 3_072,
      maxConcurrency: 10,
      environment: { [environmentNames.uploadsBucket]: uploads.bucket.bucketName },
    })
    // A request holds 4.4 MB of picture at most: a larger one is uploaded first.
    uploads.grantRead(infer.role)
    publishName(this, folder, 'infer-function', infer.function.functionName)
    if (props.inferUrl) {
      const { url } = infer.function.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM })
      publishName(this, folder, 'infer-url', url)
    }
    return infer
  }

  #common({ pipeline, removalPolicy }: FunctionsStackProps) {
    return { pipeline, removalPolicy, timeout: Duration.seconds(60) }
  }

  #network({ network, pipeline }: FunctionsStackProps) {
    // Imported once, though two functions carry it.
    this.#clients ??= pipeline.kafka.clientsIn(this)
    return { vpc: network.vpc, subnets: network.subnets, securityGroup: this.#clients }
  }
  #clients: ISecurityGroup | undefined
}
