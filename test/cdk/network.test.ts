import { describe, expect, it } from 'vitest'
import { resource, resources, synthesise } from './support.ts'

describe('the network', () => {
  it('has one way out in development, and none in production', () => {
    const gateways = (stage: string) =>
      resources(synthesise({ stage }), 'network', 'AWS::EC2::NatGateway').length
    expect([gateways('development'), gateways('production')]).toEqual([1, 0])
  })

  it('reaches S3 without going out, in every stage', () => {
    for (const stage of ['development', 'production']) {
      const endpoints = resources(synthesise({ stage }), 'network', 'AWS::EC2::VPCEndpoint')
      const kinds = endpoints.map(({ Properties }) => Properties['VpcEndpointType'])
      expect(kinds.filter((kind) => kind === 'Gateway')).toHaveLength(1)
    }
  })

  it('has an endpoint for each service that is called where there is no way out', () => {
    const endpoints = resources(
      synthesise({ stage: 'production' }),
      'network',
      'AWS::EC2::VPCEndpoint',
    )
    const names = JSON.stringify(endpoints)
    for (const service of ['ecr.dkr', 'ecs-agent', 'logs', 'lambda', 'sts', 'events']) {
      expect(names).toContain(`.${service}"`)
    }
  })

  it('keeps flow logs', () => {
    expect(resources(synthesise(), 'network', 'AWS::EC2::FlowLog')).toHaveLength(1)
  })

  it('has as many zones as asked for, in any region', () => {
    const zones = resources(synthesise({ zones: 3 }), 'network', 'AWS::EC2::Subnet').map(
      ({ Properties }) => JSON.stringify(Properties['AvailabilityZone']),
    )
    expect(new Set(zones).size).toBe(3)
    expect(zones[0]).toContain('Fn::GetAZs')
  })

  it('is yours where you name it: nothing is made, nothing looked up', () => {
    const yours = synthesise({
      vpcId: 'vpc-0a',
      subnetIds: 'subnet-0a,subnet-0b',
      zoneNames: 'eu-central-1a,eu-central-1b',
    })
    expect(yours.templates['network']?.toJSON()['Resources'] ?? {}).toEqual({})
    const { Properties } = resource(yours, 'learner', 'AWS::ECS::Service')
    expect(Properties['NetworkConfiguration'].AwsvpcConfiguration.Subnets).toEqual([
      'subnet-0a',
      'subnet-0b',
    ])
  })
})
