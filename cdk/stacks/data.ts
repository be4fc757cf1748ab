import { Aws, Duration, type RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import { DataBucket } from '../constructs/data-bucket.ts'
import { publishName } from '../constructs/parameter.ts'
import { UploadBucket } from '../constructs/upload-bucket.ts'

/** Props of {@link DataStack}. */
export interface DataStackProps extends StackProps {
  readonly name: string
  /** Where names are published. */
  readonly folder: string
  readonly picturesRetentionDays: number
  readonly removalPolicy: RemovalPolicy
}

/** Everything that must outlive a deployment: pictures, models, state. */
export class DataStack extends Stack {
  readonly data: DataBucket
  readonly uploads: UploadBucket
  readonly accessLogs: Bucket

  constructor(scope: Construct, id: string, props: DataStackProps) {
    super(scope, id, props)
    const { removalPolicy } = props
    this.accessLogs = new Bucket(this, 'access-logs', {
      // Log delivery writes with no key of ours.
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      lifecycleRules: [{ expiration: Duration.days(90) }],
      removalPolicy,
    })
    this.accessLogs.addToResourcePolicy(
      new PolicyStatement({
        sid: 'LoadBalancerLogs',
        principals: [new ServicePrincipal('logdelivery.elasticloadbalancing.amazonaws.com')],
        actions: ['s3:PutObject'],
        resources: [this.accessLogs.arnForObjects(`serve/AWSLogs/${Aws.ACCOUNT_ID}/*`)],
      }),
    )
    this.data = new DataBucket(this, 'data', {
      name: props.name,
      accessLogs: this.accessLogs,
      picturesRetentionDays: props.picturesRetentionDays,
      removalPolicy,
    })
    this.uploads = new UploadBucket(this, 'uploads', {
      accessLogs: this.accessLogs,
      removalPolicy,
    })
    publishName(this, props.folder, 'data-bucket', this.data.bucket.bucketName)
    publishName(this, props.folder, 'uploads-bucket', this.uploads.bucket.bucketName)
    publishName(this, props.folder, 'uploads-queue', this.uploads.queue.queueUrl)
  }
}
