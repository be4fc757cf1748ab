import { type RemovalPolicy, Size } from 'aws-cdk-lib'
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2'
import {
  CapacityOptionType,
  CfnCapacityProvider,
  type Cluster,
  Compatibility,
  FargateService,
  ManagedInstancesCapacityProvider,
} from 'aws-cdk-lib/aws-ecs'
import { Construct } from 'constructs'
import { accept } from '../checks.ts'
import type { ImageProps } from './container-image.ts'
import type { Pipeline } from './pipeline-environment.ts'
import { RoleTask } from './role-task.ts'
import { protectTasks } from './task-protection.ts'

/** Props of {@link GpuService}. */
export interface GpuServiceProps {
  readonly pipeline: Pipeline
  readonly cluster: Cluster
  readonly vpc: IVpc
  readonly subnets: SubnetSelection
  readonly securityGroup: ISecurityGroup
  readonly image: ImageProps
  /** @default - g4dn.xlarge, g5.xlarge, g6.xlarge: one T4, A10G or L4 each */
  readonly instanceTypes?: readonly string[]
  /** @default false */
  readonly spot?: boolean
  /** @default RemovalPolicy.RETAIN */
  readonly removalPolicy?: RemovalPolicy
}

/** By size, so that no host with many GPUs is picked. */
const defaultInstanceTypes = ['g4dn.xlarge', 'g5.xlarge', 'g6.xlarge']
/** An idle host ends after so many seconds. */
const scaleInAfter = 300

/** The learner: one task with a GPU on hosts that AWS manages, never two at once. */
export class GpuService extends Construct {
  readonly service: FargateService
  readonly task: RoleTask

  constructor(scope: Construct, id: string, props: GpuServiceProps) {
    super(scope, id)
    const { cluster, pipeline } = props
    const provider = this.#provider(props)
    cluster.addManagedInstancesCapacityProvider(provider)
    this.task = new RoleTask(this, 'task', {
      pipeline,
      role: 'learn',
      command: ['run', '--role', 'learn'],
      image: props.image,
      compatibility: Compatibility.MANAGED_INSTANCES,
      cpu: 3_072,
      memoryMiB: 12_288,
      gpus: 1,
      removalPolicy: props.removalPolicy,
    })
    protectTasks(this.task.taskRole, cluster)
    // `Ec2Service` refuses this capacity, whatever its documentation says (aws/aws-cdk#36035). No
    // `desiredCount`: a number here would stop a running learner at each deployment.
    this.service = new FargateService(this, 'service', {
      cluster,
      taskDefinition: this.task.definition,
      capacityProviderStrategies: [{ capacityProvider: provider.capacityProviderName, weight: 1 }],
      vpcSubnets: props.subnets,
      securityGroups: [props.securityGroup],
      minHealthyPercent: 0,
      maxHealthyPercent: 100,
      circuitBreaker: { rollback: true },
    })
  }

  #provider(props: GpuServiceProps): ManagedInstancesCapacityProvider {
    const provider = new ManagedInstancesCapacityProvider(this, 'hosts', {
      subnets: props.vpc.selectSubnets(props.subnets).subnets,
      securityGroups: [props.securityGroup],
      capacityOptionType: props.spot ? CapacityOptionType.SPOT : CapacityOptionType.ON_DEMAND,
      instanceRequirements: {
        vCpuCountMin: 4,
        memoryMin: Size.gibibytes(16),
        allowedInstanceTypes: [...(props.instanceTypes ?? defaultInstanceTypes)],
      },
    })
    for (const resource of provider.node.findAll()) {
      if (!CfnCapacityProvider.isCfnCapacityProvider(resource)) continue
      // The construct has no property for it.
      resource.addPropertyOverride(
        'ManagedInstancesProvider.InfrastructureOptimization.ScaleInAfter',
        scaleInAfter,
      )
    }
    accept(provider, 'The roles of managed hosts are as ECS asks for them', [
      'IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonECSInfrastructureRolePolicyForManagedInstances]',
      'IAM5[Resource::*]',
      'IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:container-instance/*]',
    ])
    return provider
  }
}
