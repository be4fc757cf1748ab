import { z } from 'zod'
import type { KafkaProps } from './constructs/kafka.ts'

/** Context comes as text from `-c key=value` and typed from `cdk.json`. */
const flag = z.union([z.boolean(), z.stringbool()])
const whole = z.coerce.number().pipe(z.int().min(1))
const list = z.union([
  z.array(z.string().min(1)),
  z.string().transform((text) => text.split(',').map((part) => part.trim())),
])
/** `key=value` pairs, such as `learn.minInterval=6h,model.backbone=conv4`. */
const pairs = z.union([
  z.record(z.string(), z.coerce.string()),
  list.transform((parts) => Object.fromEntries(parts.map((part) => part.split(/=(.*)/s, 2)))),
])

/** What a deployment may be told, by key of the context. */
const settingsSchema = z.strictObject({
  stage: z.enum(['development', 'production']).default('development'),
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,31}$/)
    .default('main'),
  kafka: z.enum(['provisioned', 'serverless', 'existing']).default('provisioned'),
  kafkaInstanceType: z.string().optional(),
  kafkaBrokers: whole.optional(),
  bootstrapServers: z.string().min(1).optional(),
  clusterArn: z.string().startsWith('arn:').optional(),
  kafkaAuth: z.enum(['iam', 'scram', 'mtls']).default('iam'),
  kafkaSecretArn: z.string().startsWith('arn:').optional(),
  partitions: whole.default(6),
  vpcId: z.string().startsWith('vpc-').optional(),
  subnetIds: list.optional(),
  zoneNames: list.optional(),
  zones: z.coerce.number().pipe(z.int().min(2).max(3)).default(2),
  egress: z.enum(['nat', 'endpoints']).optional(),
  search: flag.default(true),
  cpuImage: z.string().optional(),
  gpuImage: z.string().optional(),
  gpuInstanceTypes: list.optional(),
  spot: flag.default(false),
  wakeAfter: whole.default(2_000),
  picturesRetentionDays: whole.default(30),
  indexRetentionDays: whole.optional(),
  kafkaEvents: flag.default(true),
  inferUrl: flag.default(false),
  serveNames: list.default([]),
  certificateArn: z.string().startsWith('arn:').optional(),
  alarmEmail: z.email().optional(),
  settings: pairs.default({}),
})

type Given = z.infer<typeof settingsSchema>

/** The settings of one deployment, checked. */
export interface Settings extends Omit<Given, 'kafka' | 'egress'> {
  readonly kafka: KafkaProps
  readonly egress: 'nat' | 'endpoints'
}

/** Keys that the CDK itself puts into the context. */
const foreign = /[:@/]|^(acknowledged-issue-numbers|cli-telemetry|notices|versionReporting)$/

function kafkaOf(given: Given, fail: (message: string) => never): KafkaProps {
  const { kafka: kind, bootstrapServers, clusterArn, kafkaAuth: auth, kafkaSecretArn } = given
  if (kind === 'provisioned') {
    return { kind, instanceType: given.kafkaInstanceType, brokers: given.kafkaBrokers }
  }
  if (kind === 'serverless') return { kind }
  if (bootstrapServers === undefined) return fail('bootstrapServers: expected with kafka=existing')
  if (auth === 'iam' && clusterArn === undefined) {
    return fail('clusterArn: expected with kafkaAuth=iam, whose rights name the cluster')
  }
  if (auth !== 'iam' && kafkaSecretArn === undefined) {
    return fail(`kafkaSecretArn: expected with kafkaAuth=${auth}`)
  }
  return { kind, bootstrapServers, clusterArn, auth, secretArn: kafkaSecretArn }
}

/**
 * Checks the context of an app.
 *
 * @param context - All of it; keys of the CDK are left out.
 * @throws Error naming every unknown key and every value out of its range.
 */
export function settingsOf(context: Readonly<Record<string, unknown>>): Settings {
  const fail = (message: string): never => {
    throw new Error(`context: ${message}`)
  }
  const own = Object.entries(context).filter(([key]) => !foreign.test(key))
  const result = settingsSchema.safeParse(Object.fromEntries(own))
  if (!result.success) {
    const faults = result.error.issues.map((issue) =>
      issue.code === 'unrecognized_keys'
        ? `unknown ${issue.keys.join(', ')}; known: ${Object.keys(settingsSchema.shape).join(', ')}`
        : `${issue.path.join('.')}: ${issue.message}`,
    )
    return fail(faults.join('; '))
  }
  const given = result.data
  const { vpcId, subnetIds, zoneNames, picturesRetentionDays, indexRetentionDays } = given
  if (vpcId !== undefined && (subnetIds === undefined || subnetIds.length !== zoneNames?.length)) {
    return fail('subnetIds, zoneNames: expected one of each per zone, in one order, with vpcId')
  }
  if (indexRetentionDays !== undefined && indexRetentionDays > picturesRetentionDays) {
    const message = `expected at most picturesRetentionDays (${picturesRetentionDays})`
    return fail(`indexRetentionDays: ${message}, got ${indexRetentionDays}`)
  }
  return {
    ...given,
    kafka: kafkaOf(given, fail),
    egress: given.egress ?? (given.stage === 'production' ? 'endpoints' : 'nat'),
  }
}
