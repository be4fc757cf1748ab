import { Stack, type StackProps } from 'aws-cdk-lib'
import { Dashboard } from 'aws-cdk-lib/aws-cloudwatch'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import type { Construct } from 'constructs'
import { Alarms } from '../constructs/alarms.ts'
import { dashboardRows } from '../constructs/dashboard.ts'
import { publishName } from '../constructs/parameter.ts'
import { type Watched, worriesOf } from '../constructs/worries.ts'

/** Props of {@link ObservabilityStack}. */
export interface ObservabilityStackProps extends StackProps, Watched {
  /** Where names are published. */
  readonly folder: string
  /** @default - nobody: subscribe to the topic yourself */
  readonly email?: string
}

/** What people look at, and what wakes them. */
export class ObservabilityStack extends Stack {
  constructor(scope: Construct, id: string, props: ObservabilityStackProps) {
    super(scope, id, props)
    const topic = new Topic(this, 'alarms', { enforceSSL: true })
    if (props.email !== undefined) topic.addSubscription(new EmailSubscription(props.email))
    new Alarms(this, 'worries', { worries: worriesOf(props), topic })
    new Dashboard(this, 'dashboard', { widgets: dashboardRows(props) })
    publishName(this, props.folder, 'alarms-topic', topic.topicArn)
  }
}
