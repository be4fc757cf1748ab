import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Resource, synthesise, type Template } from './assembly.ts'
import { written } from './policies.ts'
import type { Proof } from './proof.ts'

/** An alarm of the template: what it asks of the lag, and how many tasks it then wants. */
interface Step {
  readonly periodMinutes: number
  readonly periods: number
  readonly statistic: string
  readonly asks: (lag: number) => boolean
  readonly tasks: number
}

function ofType({ Resources }: Template, type: string): readonly (readonly [string, Resource])[] {
  return Object.entries(Resources).filter(([, { Type }]) => Type === type)
}

const comparisons: Readonly<Record<string, (lag: number, threshold: number) => boolean>> = {
  GreaterThanOrEqualToThreshold: (lag, threshold) => lag >= threshold,
  LessThanThreshold: (lag, threshold) => lag < threshold,
}

function stepsOf(template: Template): readonly Step[] {
  const policies = new Map(ofType(template, 'AWS::ApplicationAutoScaling::ScalingPolicy'))
  return ofType(template, 'AWS::CloudWatch::Alarm').map(([, { Properties = {} }]) => {
    const [action] = Properties['AlarmActions'] as readonly unknown[]
    const policy = policies.get(written(action).slice(1, -1))?.Properties
    const step = policy?.['StepScalingPolicyConfiguration'] as {
      readonly StepAdjustments: readonly { readonly ScalingAdjustment: number }[]
    }
    const compare = comparisons[String(Properties['ComparisonOperator'])]
    if (compare === undefined) throw new Error('asleep: a comparison that is not known here')
    return {
      periodMinutes: Number(Properties['Period']) / 60,
      periods: Number(Properties['EvaluationPeriods']),
      statistic: String(Properties['Statistic']),
      asks: (lag) => compare(lag, Number(Properties['Threshold'])),
      tasks: step.StepAdjustments[0]?.ScalingAdjustment ?? Number.NaN,
    }
  })
}

/** A minute of the service: records that wait, and whether the task protects itself. */
interface Minute {
  /** Absent: the broker publishes nothing. */
  readonly lag: number | undefined
  readonly isProtected: boolean
}

/** Whether an alarm is on: all of its last periods say so; it keeps its state without figures. */
function isOn({ periodMinutes, periods, statistic, asks }: Step, past: readonly Minute[]): boolean {
  const wanted = past.slice(-periodMinutes * periods)
  if (wanted.length < periodMinutes * periods) return false
  return Array.from({ length: periods }, (_, i) => {
    const some = wanted.slice(i * periodMinutes, (i + 1) * periodMinutes)
    const lags = some.map(({ lag }) => lag).filter((lag) => lag !== undefined)
    if (lags.length === 0) return false
    return asks(statistic === 'Minimum' ? Math.min(...lags) : Math.max(...lags))
  }).every((one) => one)
}

/** Runs the alarms over a history, minute by minute: how many tasks run in each. */
function tasksOver(steps: readonly Step[], history: readonly Minute[], first: 0 | 1): number[] {
  let wanted: number = first
  let running: number = first
  return history.map((minute, at) => {
    for (const step of steps) {
      if (isOn(step, history.slice(0, at + 1))) wanted = step.tasks
    }
    // ECS lets a protected task run on, whatever is wanted.
    if (wanted > running || !minute.isProtected) running = wanted
    return running
  })
}

const minutes = (count: number, lag: number | undefined, isProtected = false): Minute[] =>
  Array.from({ length: count }, () => ({ lag, isProtected }))

/** The scaling that a template describes, run over histories of lag. */
export const asleep: Proof = async () => {
  const work = mkdtempSync(join(tmpdir(), 'contrastream-asleep-'))
  try {
    const { templates } = await synthesise({ stage: 'production' }, work)
    const template = templates['learner'] as Template
    const steps = stepsOf(template)
    const [[, target] = []] = ofType(template, 'AWS::ApplicationAutoScaling::ScalableTarget')
    const { MinCapacity, MaxCapacity } = target?.Properties ?? {}
    const counted = ofType(template, 'AWS::ECS::Service').filter(
      ([, { Properties = {} }]) => 'DesiredCount' in Properties,
    )

    const quiet = tasksOver(steps, minutes(60, 0), 1)
    const many = tasksOver(steps, [...minutes(30, 0), ...minutes(30, 2_000)], 0)
    const one = tasksOver(steps, minutes(25 * 60, 1), 0)
    const training = tasksOver(steps, [...minutes(180, 0, true), ...minutes(1, 0)], 1)
    const blind = [0, 1].map((first) => tasksOver(steps, minutes(60, undefined), first as 0 | 1))

    const sleptAfter = quiet.indexOf(0) + 1
    const wokeAfter = many.indexOf(1) - 29
    const wokeByAge = (one.indexOf(1) + 1) / 60
    const checks = [
      MinCapacity === 0 && MaxCapacity === 1 && counted.length === 0,
      sleptAfter > 0,
      wokeAfter > 0 && wokeAfter <= 10,
      wokeByAge > 0 && wokeByAge <= 24,
      training.slice(0, 180).every((tasks) => tasks === 1) && training.at(-1) === 0,
      blind.every((tasks, first) => tasks.every((count) => count === first)),
    ]
    return {
      lines: [
        `tasks ${MinCapacity} to ${MaxCapacity}; services of the stack with a fixed count: ${counted.length}`,
        `quiet topic: 0 tasks after ${sleptAfter} minutes`,
        `2,000 records waiting: a task is asked for after ${wokeAfter} minutes`,
        `1 record waiting: a task is asked for after ${wokeByAge} hours`,
        `3 hours of training with nothing waiting: stopped ${training.slice(0, 180).filter((tasks) => tasks === 0).length} times`,
        'no figures from the brokers: nothing changes',
        'run over the alarms and steps of the template, not on AWS',
      ],
      holds: checks.every((check) => check),
    }
  } finally {
    rmSync(work, { recursive: true })
  }
}
