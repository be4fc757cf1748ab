import { Duration } from 'aws-cdk-lib'
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import { metricNames, metricNamespace } from '../../lib/config/names.ts'

/** One thing that people want to hear of. */
export interface Worry {
  readonly what: string
  readonly metric: IMetric
  /** It is wrong above this. */
  readonly above: number
  /** For so many periods of the metric. */
  readonly periods: number
}

/** A metric that a role prints. */
export function roleMetric(
  name: string,
  role: string,
  what: keyof typeof metricNames,
  statistic: 'Maximum' | 'Minimum' | 'Sum',
): Metric {
  return new Metric({
    namespace: metricNamespace,
    metricName: metricNames[what],
    dimensionsMap: { pipeline: name, role },
    statistic,
    period: Duration.minutes(5),
  })
}

/** Share of a role's records that were set aside, 0–1. */
export function quarantineShare(name: string, role: string): MathExpression {
  return new MathExpression({
    label: `share of ${role}'s records in quarantine`,
    expression: 'IF(good + bad > 0, bad / (good + bad), 0)',
    usingMetrics: {
      good: roleMetric(name, role, 'applied', 'Sum'),
      bad: roleMetric(name, role, 'quarantined', 'Sum'),
    },
    period: Duration.minutes(5),
  })
}

/** Props of {@link Alarms}. */
export interface AlarmsProps {
  readonly worries: Readonly<Record<string, Worry>>
  /** Who hears of them. */
  readonly topic: ITopic
}

/** One alarm for each worry; a metric that nobody writes worries nobody. */
export class Alarms extends Construct {
  readonly all: readonly Alarm[]

  constructor(scope: Construct, id: string, { worries, topic }: AlarmsProps) {
    super(scope, id)
    this.all = Object.entries(worries).map(([name, { what, metric, above, periods }]) => {
      const alarm = new Alarm(this, name, {
        alarmDescription: what,
        metric,
        threshold: above,
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluationPeriods: periods,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      })
      alarm.addAlarmAction(new SnsAction(topic))
      return alarm
    })
  }
}
