import { expect, it } from 'vitest'
import { existing, type Resource, synthesise } from './support.ts'

const kinds = [{ kafka: 'provisioned' }, { kafka: 'serverless' }, existing]
const stages = ['development', 'production']
const all = stages.flatMap((stage) => kinds.map((kind) => ({ ...kind, stage })))

it.each(all)('synthesises without a finding: $stage, $kafka Kafka', (context) => {
  expect(Object.keys(synthesise(context).templates).sort()).toEqual([
    'data',
    'functions',
    'learner',
    'network',
    'observability',
    'search',
    'stream',
  ])
})

it('protects what holds state in production, and nothing in development', () => {
  const protectedStacks = (stage: string): string[] =>
    Object.entries(synthesise({ stage }).terminationProtection)
      .filter(([, isProtected]) => isProtected)
      .map(([name]) => name)
  expect(protectedStacks('production').sort()).toEqual(['data', 'stream'])
  expect(protectedStacks('development')).toEqual([])
})

it('has neither embed nor serve without search', () => {
  expect(synthesise({ search: 'false' }).templates).not.toHaveProperty('search')
})

const physicalName = /^(.*Bucket|Queue|Function|Role|Topic|LogGroup|Cluster|CapacityProvider)?Name$/

it('chooses no physical name but where AWS wants one', () => {
  const named = Object.values(synthesise().templates).flatMap((template) =>
    Object.values(template.toJSON()['Resources'] as Record<string, Resource>).filter(
      ({ Properties }) =>
        Object.entries(Properties ?? {}).some(
          ([key, value]) => physicalName.test(key) && typeof value === 'string',
        ),
    ),
  )
  expect([...new Set(named.map(({ Type }) => Type))].sort()).toEqual([
    'AWS::Events::EventBus',
    'AWS::IAM::Role', // of managed hosts, which ECS knows by how its name begins
    'AWS::MSK::Cluster',
    'AWS::MSK::Configuration',
    'AWS::SSM::Parameter',
  ])
})
