import { describe, expect, it } from 'vitest'
import { functionOf, resource, synthesise } from './support.ts'

const production = () => synthesise({ stage: 'production' })
const development = () => synthesise()
const dataBucket = (made = development()) =>
  resource(made, 'data', 'AWS::S3::Bucket', 'pictures-that-nothing-keeps')
const uploads = () => resource(development(), 'data', 'AWS::S3::Bucket', 'QueueConfigurations')

describe('the data bucket', () => {
  it('stays when the stack of production is deleted', () => {
    expect(dataBucket(production()).DeletionPolicy).toBe('Retain')
    expect(resource(production(), 'data', 'AWS::KMS::Key').DeletionPolicy).toBe('Retain')
  })

  it('goes with the stack of development', () => {
    expect(dataBucket().DeletionPolicy).toBe('Delete')
  })

  it('refuses every whole write without a condition, and no part of a multipart one', () => {
    const policy = resource(development(), 'data', 'AWS::S3::BucketPolicy', 'OnlyConditionalWrites')
    const [statement] = policy.Properties['PolicyDocument'].Statement.filter(
      ({ Sid }: { Sid?: string }) => Sid === 'OnlyConditionalWrites',
    )
    expect(statement).toMatchObject({
      Effect: 'Deny',
      Principal: { AWS: '*' },
      Action: 's3:PutObject',
      Condition: {
        Null: { 's3:if-none-match': 'true', 's3:if-match': 'true' },
        Bool: { 's3:ObjectCreationOperation': 'true' },
      },
    })
  })

  it('expires pictures that nothing keeps, and quarantined bytes', () => {
    const made = synthesise({ picturesRetentionDays: 12, name: 'cats' })
    const expiring = dataBucket(made)
      .Properties['LifecycleConfiguration'].Rules.filter(
        (rule: object) => 'ExpirationInDays' in rule,
      )
      .map((rule: { Prefix: string; ExpirationInDays: number }) => [
        rule.Prefix,
        rule.ExpirationInDays,
      ])
    expect(expiring).toEqual([
      ['cats/blobs/pictures/', 12],
      ['cats/blobs/quarantine/', 30],
    ])
  })

  it('keeps old versions for a week, and those of leases for a day', () => {
    const rules = dataBucket().Properties['LifecycleConfiguration'].Rules as {
      Prefix?: string
      NoncurrentVersionExpiration?: { NoncurrentDays: number }
    }[]
    const old = rules.flatMap(({ Prefix, NoncurrentVersionExpiration: one }) =>
      one ? [[Prefix, one.NoncurrentDays]] : [],
    )
    expect(old).toEqual([
      ['main/docs/lease/', 1],
      [undefined, 7],
    ])
  })

  it('is encrypted with a key that rotates, and closed to the public', () => {
    const { Properties } = dataBucket()
    const [rule] = Properties['BucketEncryption'].ServerSideEncryptionConfiguration
    expect(rule.ServerSideEncryptionByDefault.SSEAlgorithm).toBe('aws:kms')
    expect(rule.BucketKeyEnabled).toBe(true)
    expect(resource(development(), 'data', 'AWS::KMS::Key').Properties['EnableKeyRotation']).toBe(
      true,
    )
    expect(Object.values(Properties['PublicAccessBlockConfiguration'])).toEqual([
      true,
      true,
      true,
      true,
    ])
  })
})

describe('the uploads bucket', () => {
  it('tells its queue of each new object', () => {
    const [told] = uploads().Properties['NotificationConfiguration'].QueueConfigurations
    expect(told.Event).toBe('s3:ObjectCreated:*')
  })

  it('gives a message up after five tries', () => {
    const queue = resource(development(), 'data', 'AWS::SQS::Queue', 'RedrivePolicy')
    expect(queue.Properties['RedrivePolicy'].maxReceiveCount).toBe(5)
  })

  it('hides a message for six runs of its reader', () => {
    const queue = resource(development(), 'data', 'AWS::SQS::Queue', 'RedrivePolicy')
    const reader = functionOf(development(), 'ingest')
    expect(queue.Properties['VisibilityTimeout']).toBe(6 * reader.Properties['Timeout'])
  })

  it('lets only uploads of its own account into the queue', () => {
    const policy = resource(development(), 'data', 'AWS::SQS::QueuePolicy', 'UploadsOfThisAccount')
    const [statement] = policy.Properties['PolicyDocument'].Statement.filter(
      ({ Sid }: { Sid?: string }) => Sid === 'UploadsOfThisAccount',
    )
    expect(statement.Condition).toEqual({
      StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
    })
  })
})
