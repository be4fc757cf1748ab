import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { AnyPrincipal, Effect, type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type IBucket,
  type LifecycleRule,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import type { Rights } from '../rights.ts'
import { allow } from './allow.ts'

/** Props of {@link DataBucket}. */
export interface DataBucketProps {
  /** Name of the pipeline: its keys lie below it. */
  readonly name: string
  /** Where access logs go. */
  readonly accessLogs: IBucket
  /**
   * Days after which a picture that nothing keeps expires.
   *
   * @default 30
   */
  readonly picturesRetentionDays?: number
  /**
   * What becomes of the bucket and its key when the stack is deleted.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy
}

/** Old versions of an object are a way back from a mistake, for a week. */
const oldVersionsDays = 7

/**
 * Blobs and documents of a pipeline.
 *
 * The bucket refuses every write that is not conditional: nothing in it can be overwritten by
 * somebody who has not read it.
 */
export class DataBucket extends Construct {
  readonly bucket: Bucket
  readonly key: Key
  readonly #name: string

  constructor(scope: Construct, id: string, props: DataBucketProps) {
    super(scope, id)
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN
    this.#name = props.name
    this.key = new Key(this, 'key', {
      enableKeyRotation: true,
      removalPolicy,
      description: `Blobs and documents of the pipeline ${props.name}`,
    })
    this.bucket = new Bucket(this, 'bucket', {
      encryption: BucketEncryption.KMS,
      encryptionKey: this.key,
      bucketKeyEnabled: true,
      versioned: true,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      serverAccessLogsBucket: props.accessLogs,
      serverAccessLogsPrefix: 'data/',
      lifecycleRules: lifecycle(props.name, props.picturesRetentionDays ?? 30),
      removalPolicy,
    })
    this.bucket.addToResourcePolicy(onlyConditionalWrites(this.bucket))
  }

  /** Gives a role what it may read, write and delete below the pipeline's name. */
  grant(
    role: IRole,
    { reads, writes, deletes }: Pick<Rights, 'reads' | 'writes' | 'deletes'>,
  ): void {
    const why = 'Keys of blobs and documents are made at run time: a right covers their folder'
    const objects = (keys: readonly string[]): string[] =>
      keys.map((key) => this.bucket.arnForObjects(this.#key(key)))
    const rights: readonly (readonly [action: string, keys: readonly string[]])[] = [
      ['s3:GetObject', reads],
      ['s3:PutObject', writes],
      ['s3:DeleteObject', deletes],
    ]
    for (const [action, keys] of rights) {
      if (keys.length > 0) allow(role, { actions: [action], resources: objects(keys), why })
    }
    if (reads.length > 0) {
      // Without it an absent key answers 403, as one that is forbidden does.
      allow(role, {
        actions: ['s3:ListBucket'],
        resources: [this.bucket.bucketArn],
        conditions: { StringLike: { 's3:prefix': reads.map((key) => this.#key(key)) } },
      })
    }
    allow(role, {
      actions: writes.length > 0 ? ['kms:Decrypt', 'kms:GenerateDataKey'] : ['kms:Decrypt'],
      resources: [this.key.keyArn],
    })
  }

  /** A key or, for a folder, the pattern of all keys in it. */
  #key(key: string): string {
    return `${this.#name}/${key}${key.endsWith('/') ? '*' : ''}`
  }
}

function lifecycle(name: string, picturesRetentionDays: number): LifecycleRule[] {
  return [
    {
      id: 'pictures-that-nothing-keeps',
      prefix: `${name}/blobs/pictures/`,
      expiration: Duration.days(picturesRetentionDays),
    },
    {
      id: 'quarantined-bytes',
      prefix: `${name}/blobs/quarantine/`,
      expiration: Duration.days(30),
    },
    {
      // Renewals leave a quarter of a million old versions a month.
      id: 'old-leases',
      prefix: `${name}/docs/lease/`,
      noncurrentVersionExpiration: Duration.days(1),
    },
    {
      id: 'old-versions',
      noncurrentVersionExpiration: Duration.days(oldVersionsDays),
      abortIncompleteMultipartUploadAfter: Duration.days(1),
    },
    // Apart from the rule above, which may not hold days and this.
    { id: 'markers-of-deleted', expiredObjectDeleteMarker: true },
  ]
}

/** Parts of a multipart upload carry no condition: its completion does. */
function onlyConditionalWrites(bucket: Bucket): PolicyStatement {
  return new PolicyStatement({
    sid: 'OnlyConditionalWrites',
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: ['s3:PutObject'],
    resources: [bucket.arnForObjects('*')],
    conditions: {
      Null: { 's3:if-none-match': 'true', 's3:if-match': 'true' },
      Bool: { 's3:ObjectCreationOperation': 'true' },
    },
  })
}
