import { Aws, Duration, type RemovalPolicy } from 'aws-cdk-lib'
import type { ISecurityGroup, SubnetSelection } from 'aws-cdk-lib/aws-ec2'
import { type Cluster, Compatibility } from 'aws-cdk-lib/aws-ecs'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { EcsTask } from 'aws-cdk-lib/aws-events-targets'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { explainWildcard } from '../checks.ts'
import type { ImageProps } from './container-image.ts'
import type { Pipeline } from './pipeline-environment.ts'
import { RoleTask } from './role-task.ts'

/** Props of {@link CollectionTask}. */
export interface CollectionTaskProps {
  readonly pipeline: Pipeline
  readonly cluster: Cluster
  readonly subnets: SubnetSelection
  readonly securityGroup: ISecurityGroup
  readonly image: ImageProps
  /** @default RemovalPolicy.RETAIN */
  readonly removalPolicy?: RemovalPolicy
}

/** `models gc`, once a day: the only role that deletes. */
export class CollectionTask extends Construct {
  readonly task: RoleTask

  constructor(scope: Construct, id: string, props: CollectionTaskProps) {
    super(scope, id)
    this.task = new RoleTask(this, 'task', {
      pipeline: props.pipeline,
      role: 'collect',
      command: ['models', 'gc', '--json'],
      image: props.image,
      compatibility: Compatibility.FARGATE,
      cpu: 512,
      memoryMiB: 1_024,
      removalPolicy: props.removalPolicy,
    })
    const role = new Role(this, 'starter', {
      assumedBy: new ServicePrincipal('events.amazonaws.com'),
    })
    const tasks = `arn:${Aws.PARTITION}:ecs:${Aws.REGION}:*:task/${props.cluster.clusterName}/*`
    explainWildcard(role, tasks, 'The rule tags the tasks it starts, whose numbers come later')
    new Rule(this, 'daily', {
      schedule: Schedule.rate(Duration.days(1)),
      targets: [
        new EcsTask({
          cluster: props.cluster,
          taskDefinition: this.task.definition,
          role,
          subnetSelection: props.subnets,
          securityGroups: [props.securityGroup],
          maxEventAge: Duration.hours(1),
          retryAttempts: 2,
        }),
      ],
    })
  }
}
