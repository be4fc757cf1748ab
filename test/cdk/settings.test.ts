import { describe, expect, it } from 'vitest'
import { settingsOf } from '../../cdk/settings.ts'

describe('the context of an app', () => {
  it('is a whole development deployment when it says nothing', () => {
    const settings = settingsOf({})
    expect(settings.stage).toBe('development')
    expect(settings.kafka.kind).toBe('provisioned')
    expect(settings.egress).toBe('nat')
    expect(settings.search).toBe(true)
  })

  it('reads the text of the command line as the value it means', () => {
    const settings = settingsOf({
      search: 'false',
      zones: '3',
      gpuInstanceTypes: 'g5.xlarge, g6.xlarge',
    })
    expect(settings.search).toBe(false)
    expect(settings.zones).toBe(3)
    expect(settings.gpuInstanceTypes).toEqual(['g5.xlarge', 'g6.xlarge'])
  })

  it('takes settings of the program as pairs', () => {
    expect(settingsOf({ settings: 'model.backbone=conv4,learn.k=40' }).settings).toEqual({
      'model.backbone': 'conv4',
      'learn.k': '40',
    })
  })

  it('refuses a key that it does not know, and names those it knows', () => {
    expect(() => settingsOf({ kafak: 'serverless' })).toThrow(/unknown kafak; known: stage, name/)
  })

  it('leaves the keys of the CDK alone', () => {
    expect(() => settingsOf({ '@aws-cdk/core:x': true, 'aws:cdk:y': 1 })).not.toThrow()
  })

  it('asks for the address of a Kafka that exists', () => {
    expect(() => settingsOf({ kafka: 'existing' })).toThrow(/bootstrapServers: expected/)
  })

  it('asks for the cluster that rights by IAM are about', () => {
    const context = { kafka: 'existing', bootstrapServers: 'b:9098' }
    expect(() => settingsOf(context)).toThrow(/clusterArn: expected with kafkaAuth=iam/)
  })

  it('refuses to keep an index longer than its pictures', () => {
    const context = { picturesRetentionDays: 10, indexRetentionDays: 11 }
    expect(() => settingsOf(context)).toThrow(
      /expected at most picturesRetentionDays \(10\), got 11/,
    )
  })

  it('asks for a subnet in each zone of a network that exists', () => {
    const context = { vpcId: 'vpc-1', subnetIds: 'subnet-1,subnet-2', zoneNames: 'eu-central-1a' }
    expect(() => settingsOf(context)).toThrow(/one of each per zone/)
  })
})
