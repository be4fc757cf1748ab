import { expect, it } from 'vitest'
import { metricNames, metricNamespace } from '../../lib/config/names.ts'
import { resource, resources, synthesise } from './support.ts'

const made = () => synthesise()
const alarms = (context = {}) =>
  resources(synthesise(context), 'observability', 'AWS::CloudWatch::Alarm')

it('tells one topic of every alarm', () => {
  const told = alarms().map(({ Properties }) => Properties['AlarmActions'].length)
  expect(new Set(told)).toEqual(new Set([1]))
  expect(resources(made(), 'observability', 'AWS::SNS::Topic')).toHaveLength(1)
})

it('is not worried by what nobody measures', () => {
  const handling = alarms().map(({ Properties }) => Properties['TreatMissingData'])
  expect(new Set(handling)).toEqual(new Set(['notBreaching']))
})

it('says in words what is wrong', () => {
  const texts = alarms().map(({ Properties }) => Properties['AlarmDescription'])
  expect(texts.every((text) => text.length > 30)).toBe(true)
})

it('notices a learner that should run and does not', () => {
  const { Properties } = resource(made(), 'observability', 'AWS::CloudWatch::Alarm', 'no learner')
  const expressions = JSON.stringify(Properties['Metrics'])
  expect(expressions).toContain('IF(lag > 2000')
  expect(Properties['EvaluationPeriods']).toBe(3)
})

it('reads no metric of ours that the program has no name for', () => {
  const known: readonly string[] = Object.values(metricNames)
  const text = JSON.stringify(made().templates['observability']?.toJSON())
  const read = [...text.matchAll(/"MetricName":"([a-z_]+)","Namespace":"([^"]+)"/g)]
  const ours = read.filter(([, , namespace]) => namespace === metricNamespace)
  expect(ours.length).toBeGreaterThan(5)
  for (const [, name = ''] of ours) expect(known).toContain(name)
})

it('has nothing to say of serving without search', () => {
  const texts = alarms({ search: false }).map(({ Properties }) => Properties['AlarmDescription'])
  expect(texts.join()).not.toContain('serve answers')
})

it('shows everything on one board', () => {
  expect(resources(made(), 'observability', 'AWS::CloudWatch::Dashboard')).toHaveLength(1)
})

it('writes to an address that was given', () => {
  const told = synthesise({ alarmEmail: 'people@example.com' })
  const { Properties } = resource(told, 'observability', 'AWS::SNS::Subscription')
  expect(Properties).toMatchObject({ Protocol: 'email', Endpoint: 'people@example.com' })
})
