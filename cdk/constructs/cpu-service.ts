import { Duration, type RemovalPolicy } from 'aws-cdk-lib'
import type { ISecurityGroup, SubnetSelection } from 'aws-cdk-lib/aws-ec2'
import { type Cluster, Compatibility, FargateService } from 'aws-cdk-lib/aws-ecs'
import { Construct } from 'constructs'
import type { ImageProps } from './container-image.ts'
import type { Pipeline } from './pipeline-environment.ts'
import { RoleTask } from './role-task.ts'

/** Props of {@link CpuService}. */
export interface CpuServiceProps {
  readonly pipeline: Pipeline
  readonly role: 'embed' | 'serve'
  readonly cluster: Cluster
  readonly subnets: SubnetSelection
  readonly securityGroups: readonly ISecurityGroup[]
  readonly image: ImageProps
  /** CPU units, 1,024 a core. */
  readonly cpu: number
  readonly memoryMiB: number
  /** Tasks at most; at least one runs always. */
  readonly maxTasks: number
  /** @default - none */
  readonly ports?: readonly number[]
  /** @default - those of the pipeline */
  readonly environment?: Readonly<Record<string, string>>
  /** @default RemovalPolicy.RETAIN */
  readonly removalPolicy?: RemovalPolicy
}

/** A role on Fargate, from one task up, by its use of the CPU. */
export class CpuService extends Construct {
  readonly service: FargateService
  readonly task: RoleTask

  constructor(scope: Construct, id: string, props: CpuServiceProps) {
    super(scope, id)
    const { pipeline, role, cluster } = props
    this.task = new RoleTask(this, 'task', {
      pipeline,
      role,
      command: ['run', '--role', role],
      image: props.image,
      compatibility: Compatibility.FARGATE,
      cpu: props.cpu,
      memoryMiB: props.memoryMiB,
      ports: (props.ports ?? []).map((containerPort) => ({ containerPort })),
      environment: props.environment,
      removalPolicy: props.removalPolicy,
    })
    this.service = new FargateService(this, 'service', {
      cluster,
      taskDefinition: this.task.definition,
      vpcSubnets: props.subnets,
      securityGroups: [...props.securityGroups],
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { rollback: true },
    })
    this.service
      .autoScaleTaskCount({ minCapacity: 1, maxCapacity: props.maxTasks })
      .scaleOnCpuUtilization('by-cpu', {
        targetUtilizationPercent: 60,
        scaleInCooldown: Duration.minutes(10),
        scaleOutCooldown: Duration.minutes(2),
      })
  }
}
