import { describe, expect, it } from 'vitest'
import { cloudSettings } from '../../lib/config/cloud-settings.ts'
import { existing, functionOf, resource, resources, synthesise } from './support.ts'

const made = () => synthesise()

describe('the functions', () => {
  it('are three, on arm64 and the newest runtime', () => {
    const all = resources(made(), 'functions', 'AWS::Lambda::Function').map(({ Properties }) => [
      Properties['Runtime'],
      ...Properties['Architectures'],
    ])
    expect(all).toEqual(Array.from({ length: 3 }, () => ['nodejs24.x', 'arm64']))
  })

  it('have a log and a role each, and no managed policy', () => {
    expect(resources(made(), 'functions', 'AWS::Logs::LogGroup')).toHaveLength(3)
    const roles = resources(made(), 'functions', 'AWS::IAM::Role')
    expect(roles).toHaveLength(3)
    expect(JSON.stringify(roles)).not.toContain('ManagedPolicyArns')
  })
})

/** A value of a template as the service sees it: references become words. */
const seen = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value).includes('Region') ? 'region' : 'name'

describe('the settings of every function', () => {
  it.each(['ingest', 'model', 'infer'])('%s knows all of them', (name) => {
    const { Variables } = functionOf(synthesise(existing), name).Properties['Environment']
    const environment = Object.fromEntries(
      Object.entries(Variables).map(([key, value]) => [key, seen(value)]),
    )
    const { config } = cloudSettings(environment)
    expect(config.stream.adapter).toBe('kafka')
    expect(config.kafka.auth).toMatchObject({ kind: 'iam', region: 'region' })
    expect(config.kafka.brokers).toEqual(existing.bootstrapServers.split(','))
    expect(config.store).toMatchObject({ adapter: 's3', s3: { bucket: 'name' } })
  })
})

describe('the two that talk to Kafka', () => {
  it('are left out where their role is no login', () => {
    const outside = synthesise({
      kafka: 'existing',
      bootstrapServers: 'b-1.example:9096',
      kafkaAuth: 'scram',
      kafkaSecretArn: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:login-AbCdEf',
    })
    expect(resources(outside, 'functions', 'AWS::Lambda::Function')).toHaveLength(1)
    expect(functionOf(outside, 'infer')).toBeDefined()
  })
})

describe('ingest', () => {
  it('answers for each message, five calls at a time', () => {
    const mapping = resource(
      made(),
      'functions',
      'AWS::Lambda::EventSourceMapping',
      'ScalingConfig',
    )
    expect(mapping.Properties).toMatchObject({
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 5 },
    })
  })
})

describe('model-published', () => {
  const mapping = () =>
    resource(made(), 'functions', 'AWS::Lambda::EventSourceMapping', 'models.published')

  it('hears of every model since the topic began', () => {
    expect(mapping().Properties).toMatchObject({
      Topics: ['models.published'],
      StartingPosition: 'TRIM_HORIZON',
      AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId: 'contrastream-main-model-published' },
    })
  })

  it('reads the topics of its own pipeline', () => {
    const { Properties } = resource(
      synthesise({ name: 'cats' }),
      'functions',
      'AWS::Lambda::EventSourceMapping',
      'models.published',
    )
    expect(Properties['Topics']).toEqual(['cats.models.published'])
  })

  it('is invoked by nobody where that is switched off', () => {
    const off = synthesise({ ...existing, kafkaEvents: 'false' })
    expect(resources(off, 'functions', 'AWS::Lambda::EventSourceMapping')).toHaveLength(1)
  })
})

describe('infer', () => {
  it('has no address by default', () => {
    expect(resources(made(), 'functions', 'AWS::Lambda::Url')).toEqual([])
  })

  it('answers signed requests only, where it has one', () => {
    const url = resource(synthesise({ inferUrl: true }), 'functions', 'AWS::Lambda::Url')
    expect(url.Properties['AuthType']).toBe('AWS_IAM')
  })

  it('runs ten times at once at most, outside of the network', () => {
    const { Properties } = functionOf(made(), 'infer')
    expect(Properties['ReservedConcurrentExecutions']).toBe(10)
    expect(Properties).not.toHaveProperty('VpcConfig')
  })
})
