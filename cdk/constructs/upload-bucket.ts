import { Aws, Duration, RemovalPolicy } from 'aws-cdk-lib'
import { type IRole, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type CfnBucket,
  type IBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { allow } from './allow.ts'

/** Props of {@link UploadBucket}. */
export interface UploadBucketProps {
  /** Where access logs go. */
  readonly accessLogs: IBucket
  /**
   * Longest run of the function that reads the queue; a message is hidden six times as long.
   *
   * @default Duration.seconds(60)
   */
  readonly readerTimeout?: Duration
  /**
   * What becomes of the bucket when the stack is deleted.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy
}

/** A message that was received so often goes to the dead letters. */
const receives = 5

/** A bucket for pictures, and a queue that says what arrived: uploads wait while Kafka is down. */
export class UploadBucket extends Construct {
  readonly bucket: Bucket
  readonly queue: Queue
  readonly deadLetters: Queue

  constructor(scope: Construct, id: string, props: UploadBucketProps) {
    super(scope, id)
    this.deadLetters = new Queue(this, 'dead-letters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    })
    this.queue = new Queue(this, 'queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(7),
      visibilityTimeout: Duration.seconds((props.readerTimeout?.toSeconds() ?? 60) * 6),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: receives },
    })
    this.bucket = new Bucket(this, 'bucket', {
      // The pictures are copied into the data bucket, which has a key of its own.
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      serverAccessLogsBucket: props.accessLogs,
      serverAccessLogsPrefix: 'uploads/',
      lifecycleRules: [
        {
          id: 'uploads-are-copied',
          expiration: Duration.days(7),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
      removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
    })
    this.#announceUploads()
  }

  /** Lets a role read what was uploaded. */
  grantRead(role: IRole): void {
    allow(role, {
      actions: ['s3:GetObject'],
      resources: [this.bucket.arnForObjects('*')],
      why: 'Uploaders choose the keys',
    })
  }

  /** Set on the resource itself: the construct's own way runs a function at each deployment. */
  #announceUploads(): void {
    const policy = this.queue.addToResourcePolicy(
      new PolicyStatement({
        sid: 'UploadsOfThisAccount',
        principals: [new ServicePrincipal('s3.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [this.queue.queueArn],
        // Not the bucket, which can be made only once the queue lets it in.
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    )
    const resource = this.bucket.node.defaultChild as CfnBucket
    resource.notificationConfiguration = {
      queueConfigurations: [{ event: 's3:ObjectCreated:*', queue: this.queue.queueArn }],
    }
    if (policy.policyDependable) resource.node.addDependency(policy.policyDependable)
  }
}
