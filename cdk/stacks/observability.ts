import { Duration, Stack, type StackProps } from 'aws-cdk-lib'
import {
  Dashboard,
  GraphWidget,
  type IMetric,
  MathExpression,
  Metric,
} from 'aws-cdk-lib/aws-cloudwatch'
import { HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import type { Construct } from 'constructs'
import { Alarms, quarantineShare, roleMetric, type Worry } from '../constructs/alarms.ts'
import { publishName } from '../constructs/parameter.ts'
import type { PipelineFunction } from '../constructs/pipeline-function.ts'
import type { UploadBucket } from '../constructs/upload-bucket.ts'
import type { FunctionsStack } from './functions.ts'
import type { LearnerStack } from './learner.ts'
import type { SearchStack } from './search.ts'

/** Props of {@link ObservabilityStack}. */
export interface ObservabilityStackProps extends StackProps {
  readonly name: string
  readonly folder: string
  readonly uploads: UploadBucket
  readonly learner: LearnerStack
  /** @default - search is off */
  readonly search?: SearchStack
  readonly functions: FunctionsStack
  readonly wakeAfter: number
  /** @default - nobody: subscribe to the topic yourself */
  readonly email?: string
}

const minutes = Duration.minutes
const hour = 3_600

/** What people look at, and what wakes them. */
export class ObservabilityStack extends Stack {
  constructor(scope: Construct, id: string, props: ObservabilityStackProps) {
    super(scope, id, props)
    const topic = new Topic(this, 'alarms', { enforceSSL: true })
    if (props.email !== undefined) topic.addSubscription(new EmailSubscription(props.email))
    const worries = { ...flowWorries(props), ...learnerWorries(props), ...servingWorries(props) }
    new Alarms(this, 'worries', { worries, topic })
    new Dashboard(this, 'dashboard', { widgets: rows(props) })
    publishName(this, props.folder, 'alarms-topic', topic.topicArn)
  }
}

function flowWorries(props: ObservabilityStackProps): Record<string, Worry> {
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

function learnerWorries({
  name,
  learner,
  wakeAfter,
}: ObservabilityStackProps): Record<string, Worry> {
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

function servingWorries({ name, search }: ObservabilityStackProps): Record<string, Worry> {
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

function runningTasks({ cluster, learner }: LearnerStack): Metric {
  return new Metric({
    namespace: 'ECS/ContainerInsights',
    metricName: 'RunningTaskCount',
    dimensionsMap: { ClusterName: cluster.clusterName, ServiceName: learner.service.serviceName },
    statistic: 'Maximum',
    period: minutes(5),
  })
}

/** Rows of the dashboard: flow, learner, serving, money. */
function rows({ name, learner, search, functions, uploads }: ObservabilityStackProps) {
  const graph = (title: string, left: IMetric[], right: IMetric[] = []): GraphWidget =>
    new GraphWidget({ title, left, right, width: 8, height: 6 })
  const flow = [
    graph(
      'Records applied and set aside',
      [roleMetric(name, 'learn', 'applied', 'Sum')],
      [roleMetric(name, 'learn', 'quarantined', 'Sum')],
    ),
    graph('Waiting', [
      ...(learner.lag ? [learner.lag] : []),
      uploads.queue.metricApproximateNumberOfMessagesVisible(),
    ]),
    graph('Behind, by role', [
      roleMetric(name, 'learn', 'waiting', 'Maximum'),
      roleMetric(name, 'embed', 'waiting', 'Maximum'),
    ]),
  ]
  const learning = [
    graph('Learners', [runningTasks(learner)]),
    graph('Round, s', [roleMetric(name, 'learn', 'roundSeconds', 'Maximum')]),
    graph('Starts', [roleMetric(name, 'learn', 'starts', 'Sum')]),
  ]
  const serving = [
    graph('Version', [roleMetric(name, 'serve', 'modelVersion', 'Maximum')]),
    graph('Vectors', [roleMetric(name, 'serve', 'indexVectors', 'Maximum')]),
    ...(search
      ? [
          graph(
            'Requests, and p99 in s',
            [search.balancer.metrics.requestCount()],
            [search.balancer.metrics.targetResponseTime({ statistic: 'p99' })],
          ),
        ]
      : []),
  ]
  const money = [
    graph(
      'Calls of functions',
      [functions.ingest, functions.modelPublished, functions.infer].flatMap((one) =>
        one ? [one.function.metricInvocations()] : [],
      ),
    ),
    graph('Learner: minutes with a GPU', [
      new MathExpression({
        label: 'minutes of 5',
        expression: 'tasks * 5',
        usingMetrics: { tasks: runningTasks(learner) },
        period: minutes(5),
      }),
    ]),
  ]
  return [flow, learning, serving, money]
}
