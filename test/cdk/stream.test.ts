import { describe, expect, it } from 'vitest'
import { existing, resource, resources, synthesise } from './support.ts'

const cluster = () => resource(synthesise(), 'stream', 'AWS::MSK::Cluster').Properties

describe('a provisioned cluster', () => {
  it('has IAM over TLS as its only door', () => {
    expect(cluster()['ClientAuthentication']).toEqual({
      Sasl: { Iam: { Enabled: true } },
      Unauthenticated: { Enabled: false },
    })
    expect(cluster()['EncryptionInfo'].EncryptionInTransit).toEqual({
      ClientBroker: 'TLS',
      InCluster: true,
    })
  })

  it('is two small brokers without ZooKeeper', () => {
    const { NumberOfBrokerNodes, KafkaVersion, BrokerNodeGroupInfo } = cluster()
    expect([NumberOfBrokerNodes, KafkaVersion]).toEqual([2, '3.9.x.kraft'])
    expect(BrokerNodeGroupInfo.InstanceType).toBe('kafka.t3.small')
  })

  it('remembers the offsets of a learner that sleeps for weeks', () => {
    const { Properties } = resource(synthesise(), 'stream', 'AWS::MSK::Configuration')
    expect(Properties['ServerProperties']).toContain('offsets.retention.minutes=40320')
  })

  it('lets in who carries the group of clients, on one port', () => {
    const rules = resources(synthesise(), 'stream', 'AWS::EC2::SecurityGroupIngress')
    const ports = rules.map(({ Properties }) => [Properties['FromPort'], Properties['ToPort']])
    expect(ports).toEqual([
      [9098, 9098],
      [9098, 9098],
    ])
  })
})

describe('a serverless cluster', () => {
  it('has IAM as its only door', () => {
    const made = synthesise({ kafka: 'serverless' })
    const { Properties } = resource(made, 'stream', 'AWS::MSK::ServerlessCluster')
    expect(Properties['ClientAuthentication']).toEqual({ Sasl: { Iam: { Enabled: true } } })
  })
})

describe('a cluster that exists', () => {
  it('is reached at the address that was given, and nothing is made', () => {
    const made = synthesise(existing)
    const { Properties } = resource(made, 'stream', 'AWS::SSM::Parameter', 'bootstrap-servers')
    expect(Properties['Value']).toBe(existing.bootstrapServers)
    const types = Object.values(made.templates['stream']?.toJSON()['Resources'] ?? {})
    expect(JSON.stringify(types)).not.toContain('AWS::MSK')
  })
})
