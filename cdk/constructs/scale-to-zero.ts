import { Duration } from 'aws-cdk-lib'
import { AdjustmentType, StepScalingAction } from 'aws-cdk-lib/aws-applicationautoscaling'
import { ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { ApplicationScalingAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { FargateService } from 'aws-cdk-lib/aws-ecs'
import { Construct } from 'constructs'

/** Props of {@link ScaleToZero}. */
export interface ScaleToZeroProps {
  readonly service: FargateService
  /** What the cluster is called in metrics. */
  readonly clusterName: string
  readonly group: string
  readonly topic: string
  /**
   * Records that wait before the learner is woken: best what arrives in one `learn.minInterval`.
   *
   * @default 2000
   */
  readonly wakeAfter?: number
  /**
   * Hours after which a single waiting record wakes it too.
   *
   * @default 24
   */
  readonly wakeMaxAgeHours?: number
  /**
   * How long nothing must have waited before it may sleep.
   *
   * @default Duration.minutes(30)
   */
  readonly idle?: Duration
}

const period = Duration.minutes(5)

/**
 * Runs a service at 0 or 1 task, by the records that wait for it.
 *
 * Target tracking cannot start from 0: one step wakes, another puts to sleep. While a task trains
 * it protects itself, and the second step waits for that to end.
 */
export class ScaleToZero extends Construct {
  readonly lag: Metric

  constructor(scope: Construct, id: string, props: ScaleToZeroProps) {
    super(scope, id)
    this.lag = new Metric({
      namespace: 'AWS/Kafka',
      metricName: 'SumOffsetLag',
      dimensionsMap: {
        'Cluster Name': props.clusterName,
        'Consumer Group': props.group,
        Topic: props.topic,
      },
      statistic: 'Maximum',
      period,
    })
    const target = props.service.autoScaleTaskCount({ minCapacity: 0, maxCapacity: 1 })
    const step = (name: string, tasks: 0 | 1): ApplicationScalingAction => {
      const action = new StepScalingAction(this, name, {
        scalingTarget: target,
        adjustmentType: AdjustmentType.EXACT_CAPACITY,
      })
      action.addAdjustment(
        tasks === 1 ? { adjustment: 1, lowerBound: 0 } : { adjustment: 0, upperBound: 0 },
      )
      return new ApplicationScalingAction(action)
    }
    const wake = step('wake', 1)
    const quiet = { treatMissingData: TreatMissingData.IGNORE }
    this.lag
      .createAlarm(this, 'many-wait', {
        ...quiet,
        alarmDescription: 'Enough records for a round wait: the learner is woken',
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        threshold: props.wakeAfter ?? 2_000,
        evaluationPeriods: 1,
      })
      .addAlarmAction(wake)
    this.lag
      .with({ period: Duration.hours(1), statistic: 'Minimum' })
      .createAlarm(this, 'some-wait-long', {
        ...quiet,
        alarmDescription: 'Records have waited for very long: the learner is woken',
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        threshold: 1,
        evaluationPeriods: props.wakeMaxAgeHours ?? 24,
      })
      .addAlarmAction(wake)
    this.lag
      .createAlarm(this, 'none-waits', {
        ...quiet,
        alarmDescription: 'Nothing has waited for a while: the learner may sleep',
        // Half a record: a lag of 0 is then clearly on the side of the step.
        comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
        threshold: 0.5,
        evaluationPeriods: (props.idle ?? Duration.minutes(30)).toMinutes() / period.toMinutes(),
      })
      .addAlarmAction(step('sleep', 0))
  }
}
