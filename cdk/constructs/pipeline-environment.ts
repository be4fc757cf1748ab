import { Aws } from 'aws-cdk-lib'
import { settingVariable } from '../../lib/config/names.ts'
import type { DataBucket } from './data-bucket.ts'
import type { Kafka } from './kafka.ts'

/** What the roles and functions of one pipeline share. */
export interface Pipeline {
  /** Name of the pipeline. */
  readonly name: string
  readonly kafka: Kafka
  readonly data: DataBucket
  /** Whether there is an index. */
  readonly search: boolean
  /** Partitions of the topics that the roles make. */
  readonly partitions: number
  readonly picturesRetentionDays: number
  readonly indexRetentionDays: number
  /** Further settings of the program, by key. */
  readonly settings: Readonly<Record<string, string>>
}

/** The variables that make the program's settings those of the deployment. */
export function pipelineEnvironment(pipeline: Pipeline): Record<string, string> {
  const { kafka, data } = pipeline
  const settings: Record<string, string> = {
    name: pipeline.name,
    'stream.adapter': 'kafka',
    // A list in YAML, as every setting is read: addresses may stand in it as they are.
    'kafka.brokers': `[${kafka.bootstrapServers}]`,
    'kafka.auth.kind': kafka.auth,
    ...(kafka.auth === 'iam' && { 'kafka.auth.region': Aws.REGION }),
    'kafka.partitions': String(pipeline.partitions),
    'store.adapter': 's3',
    'store.s3.bucket': data.bucket.bucketName,
    'store.s3.region': Aws.REGION,
    'search.enabled': String(pipeline.search),
    'pictures.retention': `${pipeline.picturesRetentionDays}d`,
    'index.retention': `${pipeline.indexRetentionDays}d`,
    'learn.minInterval': '6h',
    ...pipeline.settings,
  }
  const variables = Object.entries(settings).map(([key, value]) => [settingVariable(key), value])
  return Object.fromEntries(variables)
}
