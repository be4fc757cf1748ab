import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../lib/config/load.ts'
import { resource, resources, synthesise } from './support.ts'

const made = () => synthesise()
const container = (role: string) =>
  resource(made(), 'search', 'AWS::ECS::TaskDefinition', `"${role}"`).Properties[
    'ContainerDefinitions'
  ][0]

describe('serve', () => {
  it('is reached from inside the network only', () => {
    const balancer = resource(made(), 'search', 'AWS::ElasticLoadBalancingV2::LoadBalancer')
    expect(balancer.Properties['Scheme']).toBe('internal')
  })

  it('gets requests only while it says that it is ready', () => {
    const targets = resource(made(), 'search', 'AWS::ElasticLoadBalancingV2::TargetGroup')
    expect(targets.Properties).toMatchObject({
      HealthCheckPath: '/health/ready',
      HealthCheckPort: '9090',
      Port: 8080,
    })
  })

  it('speaks TLS with a certificate of yours', () => {
    const certificateArn = 'arn:aws:acm:eu-central-1:123456789012:certificate/0a'
    const secure = synthesise({ certificateArn })
    const listener = resource(secure, 'search', 'AWS::ElasticLoadBalancingV2::Listener')
    expect(listener.Properties).toMatchObject({ Protocol: 'HTTPS', Port: 443 })
  })

  it('opens nothing to the world', () => {
    const rules = resources(made(), 'search', 'AWS::EC2::SecurityGroupIngress')
    expect(JSON.stringify(rules)).not.toContain('0.0.0.0/0')
  })
})

describe('embed', () => {
  it('grows to one task a partition, and never to none', () => {
    const targets = resources(
      synthesise({ partitions: 12 }),
      'search',
      'AWS::ApplicationAutoScaling::ScalableTarget',
    ).map(({ Properties }) => [Properties['MinCapacity'], Properties['MaxCapacity']])
    expect(targets).toContainEqual([1, 12])
  })
})

describe('every container', () => {
  it.each(['embed', 'serve'])('%s writes nothing but its scratch folders, as no root', (role) => {
    const { ReadonlyRootFilesystem, User, Privileged, MountPoints } = container(role)
    expect([ReadonlyRootFilesystem, User, Privileged]).toEqual([true, 'node', undefined])
    const paths = MountPoints.map(({ ContainerPath }: { ContainerPath: string }) => ContainerPath)
    expect(paths).toEqual(['/var/lib/contrastream', '/tmp'])
  })

  it('is told the settings of the deployment, and those of its owner', () => {
    const own = synthesise({ settings: 'model.backbone=conv4', name: 'cats' })
    const task = resource(own, 'search', 'AWS::ECS::TaskDefinition', '"embed"')
    const environment = task.Properties['ContainerDefinitions'][0].Environment
    expect(environment).toContainEqual({ Name: 'CONTRASTREAM__MODEL__BACKBONE', Value: 'conv4' })
    expect(environment).toContainEqual({ Name: 'CONTRASTREAM__NAME', Value: 'cats' })
    expect(environment).toContainEqual({ Name: 'CONTRASTREAM__STREAM__ADAPTER', Value: 'kafka' })
  })

  it.each(['embed', 'serve'])('%s is told nothing that the program does not know', (role) => {
    const environment = Object.fromEntries(
      container(role).Environment.map(({ Name, Value }: { Name: string; Value: unknown }) => [
        Name,
        typeof Value === 'string' ? Value : '[name:1]',
      ]),
    )
    const one = { CONTRASTREAM__STORE__S3__BUCKET: 'name', CONTRASTREAM__STORE__S3__REGION: 'x' }
    const region = { CONTRASTREAM__KAFKA__AUTH__REGION: 'x' }
    const config = loadConfig({ environment: { ...environment, ...one, ...region } })
    expect(config.kafka.brokers).toEqual(['name:1'])
  })

  it('gets a login as a secret, never as a plain variable', () => {
    const login = synthesise({
      kafka: 'existing',
      bootstrapServers: 'b-1.example:9096',
      kafkaAuth: 'scram',
      kafkaSecretArn: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:login-AbCdEf',
    })
    const task = resource(login, 'search', 'AWS::ECS::TaskDefinition', '"embed"')
    const { Secrets } = task.Properties['ContainerDefinitions'][0]
    const names = Secrets.map(({ Name }: { Name: string }) => Name)
    expect(names).toEqual(['KAFKA_USER', 'KAFKA_PASSWORD'])
  })
})
