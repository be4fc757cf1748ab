import { Duration, type RemovalPolicy } from 'aws-cdk-lib'
import {
  type Compatibility,
  type ContainerDefinition,
  LinuxParameters,
  LogDriver,
  NetworkMode,
  type PortMapping,
  Secret,
  TaskDefinition,
} from 'aws-cdk-lib/aws-ecs'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Secret as StoredSecret } from 'aws-cdk-lib/aws-secretsmanager'
import { Construct } from 'constructs'
import { environmentNames, settingVariable } from '../../lib/config/names.ts'
import { accept } from '../checks.ts'
import { type RoleName, roleRights } from '../rights.ts'
import { containerImage, type ImageProps } from './container-image.ts'
import { grantKafka } from './kafka-rights.ts'
import { type Pipeline, pipelineEnvironment } from './pipeline-environment.ts'

/** Props of {@link RoleTask}. */
export interface RoleTaskProps {
  readonly pipeline: Pipeline
  /** Whose rights the task has; its group is named after it. */
  readonly role: RoleName
  readonly command: readonly string[]
  readonly image: ImageProps
  readonly compatibility: Compatibility
  /** CPU units, 1,024 a core. */
  readonly cpu: number
  readonly memoryMiB: number
  /** @default 0 */
  readonly gpus?: number
  /** @default - none */
  readonly ports?: readonly PortMapping[]
  /** @default - those of the pipeline */
  readonly environment?: Readonly<Record<string, string>>
  /** @default RemovalPolicy.RETAIN */
  readonly removalPolicy?: RemovalPolicy
}

/** Where the program may write, and nowhere else: caches that can be made again. */
const scratch = { name: 'scratch', path: '/var/lib/contrastream' }
const temporary = { name: 'temporary', path: '/tmp' }

/** One role of the program as a task: non-root, read-only root, no capabilities. */
export class RoleTask extends Construct {
  readonly definition: TaskDefinition
  readonly container: ContainerDefinition
  readonly taskRole: Role

  constructor(scope: Construct, id: string, props: RoleTaskProps) {
    super(scope, id)
    const { pipeline, role } = props
    const assumedBy = new ServicePrincipal('ecs-tasks.amazonaws.com')
    this.taskRole = new Role(this, 'role', { assumedBy })
    pipeline.data.grant(this.taskRole, roleRights[role])
    grantKafka(pipeline.kafka, this.taskRole, role === 'serve' ? 'serve-*' : role, roleRights[role])
    const executionRole = new Role(this, 'execution-role', { assumedBy })
    this.definition = new TaskDefinition(this, 'definition', {
      compatibility: props.compatibility,
      networkMode: NetworkMode.AWS_VPC,
      cpu: String(props.cpu),
      memoryMiB: String(props.memoryMiB),
      taskRole: this.taskRole,
      executionRole,
      volumes: [{ name: scratch.name }, { name: temporary.name }],
    })
    this.container = this.definition.addContainer(role, {
      image: containerImage(this, props.image),
      command: [...props.command],
      ...(props.gpus !== undefined && { gpuCount: props.gpus }),
      environment: {
        ...pipelineEnvironment(pipeline),
        [settingVariable('data')]: scratch.path,
        [settingVariable('kafka.ensureTopics')]: String(roleRights[role].makesTopics),
        [environmentNames.metricLines]: 'true',
        ...props.environment,
      },
      secrets: this.#secrets(pipeline),
      portMappings: [...(props.ports ?? [])],
      logging: LogDriver.awsLogs({
        streamPrefix: role,
        logGroup: new LogGroup(this, 'logs', {
          retention: RetentionDays.ONE_MONTH,
          removalPolicy: props.removalPolicy,
        }),
      }),
      readonlyRootFilesystem: true,
      user: 'node',
      // Above the program's own deadline of 25 s, so that it is never cut off.
      stopTimeout: Duration.seconds(60),
      linuxParameters: linuxParameters(this),
    })
    for (const { name, path } of [scratch, temporary]) {
      this.container.addMountPoints({ sourceVolume: name, containerPath: path, readOnly: false })
    }
    accept(executionRole, 'ECR gives its tokens for the whole registry', ['IAM5[Resource::*]'])
    accept(this.definition, 'The variables name buckets and addresses; secrets come as secrets', [
      'ECS2',
    ])
  }

  /** The image's entry point puts them into files, which is how the program takes secrets. */
  #secrets({ kafka }: Pipeline): Record<string, Secret> {
    if (kafka.secretArn === undefined) return {}
    const stored = StoredSecret.fromSecretCompleteArn(this, 'kafka-login', kafka.secretArn)
    const { kafkaUser, kafkaPassword, kafkaCertificate, kafkaKey } = environmentNames
    const fields: Record<string, string> =
      kafka.auth === 'scram'
        ? { [kafkaUser]: 'username', [kafkaPassword]: 'password' }
        : { [kafkaCertificate]: 'certificate', [kafkaKey]: 'privateKey' }
    const secrets = Object.entries(fields).map(([variable, field]) => [
      variable,
      Secret.fromSecretsManager(stored, field),
    ])
    return Object.fromEntries(secrets)
  }
}

/** A first process that reaps the decoders, as the program is not written to be one. */
function linuxParameters(scope: Construct): LinuxParameters {
  return new LinuxParameters(scope, 'linux', { initProcessEnabled: true })
}
