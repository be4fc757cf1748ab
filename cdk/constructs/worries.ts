import { Duration } from 'aws-cdk-lib'
import { MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2'
import type { FunctionsStack } from '../stacks/functions.ts'
import type { LearnerStack } from '../stacks/learner.ts'
import type { SearchStack } from '../stacks/search.ts'
import { quarantineShare, roleMetric, type Worry } from './alarms.ts'
import type { PipelineFunction } from './pipeline-function.ts'
import type { UploadBucket } from './upload-bucket.ts'

/** What is watched. */
export interface Watched {
  /** Name of the pipeline. */
  readonly name: string
  readonly uploads: UploadBucket
  readonly learner: LearnerStack
  /** @default - search is off */
  readonly search?: SearchStack
  readonly functions: FunctionsStack
  /** Records for which the learner is woken. */
  readonly wakeAfter: number
}

const minutes = Duration.minutes
const hour = 3_600

/** Everything that people want to hear of. */
export function worriesOf(watched: Watched): Record<string, Worry> {
  return { ...flowWorries(watched), ...learnerWorries(watched), ...servingWorries(watched) }
}

function flowWorries(props: Watched): Record<string, Worry> {
  const { name, uploads, functions, learner } = props
  const { ingest, modelPublished } = functions
  const failing = (what: string, { function: one }: PipelineFunction): Worry => ({
    what,
    metric: one.metricErrors({ period: minutes(5) }),
    above: 0,
    periods: 3,
  })
  return {
    'records-wait': {
      what: 'Records have waited for the learner for a day and a half',
      metric: (learner.lag ?? roleMetric(name, 'learn', 'waiting', 'Minimum')).with({
        period: Duration.hours(1),
        statistic: 'Minimum',
      }),
      above: 0,
      periods: 36,
    },
    'dead-letters': {
      what: 'An upload was given up: look at the dead letters of the uploads queue',
      metric: uploads.deadLetters.metricApproximateNumberOfMessagesVisible({ period: minutes(5) }),
      above: 0,
      periods: 1,
    },
    quarantine: {
      what: 'More than 5 % of the pictures are set aside',
      metric: quarantineShare(name, 'learn'),
      above: 0.05,
      periods: 3,
    },
    ...(ingest && {
      'ingest-errors': failing('The function ingest fails: uploads wait in the queue', ingest),
    }),
    ...(modelPublished && {
      'published-errors': failing(
        'The function model-published fails: nobody hears of new models',
        modelPublished,
      ),
    }),
  }
}

function learnerWorries({ name, learner, wakeAfter }: Watched): Record<string, Worry> {
  const tasks = runningTasks(learner)
  const restarts: Worry = {
    // It ends on any doubt: a lost lease, a publish or a checkpoint that failed.
    what: 'The learner has died four times in an hour: its log says what it doubts',
    metric: roleMetric(name, 'learn', 'starts', 'Sum').with({ period: Duration.hours(1) }),
    above: 3,
    periods: 1,
  }
  // Of a cluster without figures it is meant to run all the time.
  if (learner.lag === undefined) return { 'learner-restarts': restarts }
  return {
    'learner-restarts': restarts,
    'does-not-wake': {
      what: 'Enough records wait, and for 15 minutes no learner has run',
      metric: new MathExpression({
        label: 'waits without a learner',
        expression: `IF(lag > ${wakeAfter}, IF(FILL(tasks, 0) < 1, 1, 0), 0)`,
        usingMetrics: { lag: learner.lag, tasks },
        period: minutes(5),
      }),
      above: 0,
      periods: 3,
    },
    'never-sleeps': {
      what: 'The learner has run for a whole day: is it worth its GPU, or is wakeAfter too low?',
      metric: tasks.with({ period: Duration.hours(1), statistic: 'Minimum' }),
      above: 0,
      periods: 24,
    },
  }
}

function servingWorries({ name, search }: Watched): Record<string, Worry> {
  if (search === undefined) return {}
  const { metrics } = search.balancer
  return {
    'unreleased-candidate': {
      what: 'A candidate has waited three hours for its index',
      metric: roleMetric(name, 'embed', 'buildingSeconds', 'Maximum'),
      above: 3 * hour,
      periods: 1,
    },
    'serve-errors': {
      what: 'serve answers with errors of its own',
      metric: metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, {
        period: minutes(5),
        statistic: 'Sum',
      }),
      above: 5,
      periods: 1,
    },
    'serve-slow': {
      what: 'One answer in a hundred takes longer than a second',
      metric: metrics.targetResponseTime({ period: minutes(5), statistic: 'p99' }),
      above: 1,
      periods: 3,
    },
    'two-versions': {
      what: 'Replicas of serve have answered from two versions for ten minutes',
      metric: new MathExpression({
        label: 'versions apart',
        expression: 'newest - oldest',
        usingMetrics: {
          newest: roleMetric(name, 'serve', 'modelVersion', 'Maximum'),
          oldest: roleMetric(name, 'serve', 'modelVersion', 'Minimum'),
        },
        period: minutes(5),
      }),
      above: 0,
      periods: 2,
    },
  }
}

/** Tasks of the learner, as ECS counts them. */
export function runningTasks({ cluster, learner }: LearnerStack): Metric {
  return new Metric({
    namespace: 'ECS/ContainerInsights',
    metricName: 'RunningTaskCount',
    dimensionsMap: { ClusterName: cluster.clusterName, ServiceName: learner.service.serviceName },
    statistic: 'Maximum',
    period: minutes(5),
  })
}
