import { Duration } from 'aws-cdk-lib'
import { GraphWidget, type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch'
import { roleMetric } from './alarms.ts'
import { runningTasks, type Watched } from './worries.ts'

const minutes = Duration.minutes

/** Rows of the dashboard: flow, learner, serving, money. */
export function dashboardRows({ name, learner, search, functions, uploads }: Watched) {
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
