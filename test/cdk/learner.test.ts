import { describe, expect, it } from 'vitest'
import { existing, resource, resources, synthesise } from './support.ts'

const made = () => synthesise()
const service = () => resource(made(), 'learner', 'AWS::ECS::Service')
const alarm = (text: string) => resource(made(), 'learner', 'AWS::CloudWatch::Alarm', text)
const policy = (text: string) =>
  resource(made(), 'learner', 'AWS::ApplicationAutoScaling::ScalingPolicy', text)

describe('the learner', () => {
  it('never runs twice: the old task ends before the new one starts', () => {
    expect(service().Properties['DeploymentConfiguration']).toMatchObject({
      MinimumHealthyPercent: 0,
      MaximumPercent: 100,
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
    })
  })

  it('leaves the number of its tasks alone when the stack is updated', () => {
    expect(service().Properties).not.toHaveProperty('DesiredCount')
  })

  it('has one GPU on small hosts that AWS manages', () => {
    const { Properties } = resource(made(), 'learner', 'AWS::ECS::CapacityProvider')
    const { InstanceLaunchTemplate, InfrastructureOptimization } =
      Properties['ManagedInstancesProvider']
    expect(InstanceLaunchTemplate.InstanceRequirements.AllowedInstanceTypes).toEqual([
      'g4dn.xlarge',
      'g5.xlarge',
      'g6.xlarge',
    ])
    expect(InfrastructureOptimization.ScaleInAfter).toBe(300)
    const task = resource(made(), 'learner', 'AWS::ECS::TaskDefinition', '"learn"')
    expect(task.Properties['ContainerDefinitions'][0].ResourceRequirements).toEqual([
      { Type: 'GPU', Value: '1' },
    ])
  })

  it('may take spot hosts', () => {
    const hosts = resource(synthesise({ spot: true }), 'learner', 'AWS::ECS::CapacityProvider')
    const { InstanceLaunchTemplate } = hosts.Properties['ManagedInstancesProvider']
    expect(InstanceLaunchTemplate.CapacityOptionType).toBe('SPOT')
  })

  it('may protect itself from being scaled in', () => {
    const statement = resources(made(), 'learner', 'AWS::IAM::Policy')
      .flatMap(({ Properties }) => Properties['PolicyDocument'].Statement)
      .find(({ Action }) => JSON.stringify(Action).includes('UpdateTaskProtection'))
    expect(JSON.stringify(statement.Resource)).toMatch(/:task\/.*\/\*/)
  })

  it('has time for its own way of stopping', () => {
    const task = resource(made(), 'learner', 'AWS::ECS::TaskDefinition', '"learn"')
    expect(task.Properties['ContainerDefinitions'][0].StopTimeout).toBeGreaterThan(25)
  })
})

describe('its scaling', () => {
  it('goes from none to one and back, in exact steps', () => {
    const target = resource(made(), 'learner', 'AWS::ApplicationAutoScaling::ScalableTarget')
    expect(target.Properties).toMatchObject({ MinCapacity: 0, MaxCapacity: 1 })
    const steps = resources(made(), 'learner', 'AWS::ApplicationAutoScaling::ScalingPolicy').map(
      ({ Properties }) => Properties['StepScalingPolicyConfiguration'],
    )
    expect(steps.map(({ AdjustmentType }) => AdjustmentType)).toEqual([
      'ExactCapacity',
      'ExactCapacity',
    ])
    const counts = steps.map(({ StepAdjustments: [step] }) => step.ScalingAdjustment)
    expect(counts.sort()).toEqual([0, 1])
  })

  it('wakes when enough records wait', () => {
    const { Properties } = alarm('Enough records')
    expect(Properties).toMatchObject({
      MetricName: 'SumOffsetLag',
      Namespace: 'AWS/Kafka',
      Threshold: 2_000,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    })
    expect(Properties['Dimensions']).toContainEqual({
      Name: 'Consumer Group',
      Value: 'contrastream-main-learn',
    })
  })

  it('wakes when one record has waited for a day', () => {
    const { Threshold, Period, EvaluationPeriods } = alarm('very long').Properties
    expect([Threshold, (Period * EvaluationPeriods) / 3_600]).toEqual([1, 24])
  })

  it('sleeps when nothing has waited for half an hour', () => {
    const { Properties } = alarm('may sleep')
    expect(Properties).toMatchObject({ Threshold: 0.5, ComparisonOperator: 'LessThanThreshold' })
    expect((Properties['Period'] * Properties['EvaluationPeriods']) / 60).toBe(30)
    expect(policy('"MetricIntervalUpperBound":0').Properties).toBeDefined()
  })

  it('does nothing while there are no figures', () => {
    const handling = resources(made(), 'learner', 'AWS::CloudWatch::Alarm').map(
      ({ Properties }) => Properties['TreatMissingData'],
    )
    expect(handling).toEqual(['ignore', 'ignore', 'ignore'])
  })

  it('is left to its owner where the cluster publishes no lag', () => {
    const scaled = resources(
      synthesise(existing),
      'learner',
      'AWS::ApplicationAutoScaling::ScalableTarget',
    )
    expect(scaled).toEqual([])
  })
})
