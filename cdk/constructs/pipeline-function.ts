import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { AssetHashType, DockerImage, type Duration, type RemovalPolicy } from 'aws-cdk-lib'
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { type RoleName, roleRights } from '../rights.ts'
import { allow } from './allow.ts'
import { type Pipeline, pipelineEnvironment } from './pipeline-environment.ts'

const functions = fileURLToPath(new URL('../../functions', import.meta.url))

/** Props of {@link PipelineFunction}. */
export interface PipelineFunctionProps {
  readonly pipeline: Pipeline
  /** File in `functions/`, without its ending. */
  readonly file: 'ingest' | 'model-published' | 'infer'
  /** Whose rights it has. */
  readonly role: RoleName
  readonly timeout: Duration
  readonly memoryMiB: number
  /** @default - none besides those of the pipeline */
  readonly environment?: Readonly<Record<string, string>>
  /** @default - outside of any network */
  readonly network?: {
    readonly vpc: IVpc
    readonly subnets: SubnetSelection
    readonly securityGroup: ISecurityGroup
  }
  /** @default - no limit of its own */
  readonly maxConcurrency?: number
  /** @default RemovalPolicy.RETAIN */
  readonly removalPolicy?: RemovalPolicy
}

/** One of the three functions, with a role and a log of its own. */
export class PipelineFunction extends Construct {
  readonly function: LambdaFunction
  readonly role: Role

  constructor(scope: Construct, id: string, props: PipelineFunctionProps) {
    super(scope, id)
    const { pipeline, network } = props
    this.role = new Role(this, 'role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    pipeline.data.grant(this.role, roleRights[props.role])
    const logGroup = new LogGroup(this, 'logs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: props.removalPolicy,
    })
    allow(this.role, {
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    })
    if (network) allowInterfaces(this.role)
    this.function = new LambdaFunction(this, 'function', {
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'functions/main/index.handler',
      code: bundled(props.file),
      role: this.role,
      logGroup,
      timeout: props.timeout,
      memorySize: props.memoryMiB,
      environment: { ...pipelineEnvironment(pipeline), ...props.environment },
      ...(props.maxConcurrency !== undefined && {
        reservedConcurrentExecutions: props.maxConcurrency,
      }),
      ...(network && {
        vpc: network.vpc,
        vpcSubnets: network.subnets,
        securityGroups: [network.securityGroup],
      }),
    })
  }
}

/** What a function in a network needs of EC2, which knows no rights for single interfaces. */
export function allowInterfaces(role: Role): void {
  allow(role, {
    actions: [
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSecurityGroups',
      'ec2:DescribeSubnets',
      'ec2:DescribeVpcs',
    ],
    resources: ['*'],
    why: 'Lambda makes and lists the interfaces of a network; EC2 knows no narrower resource here',
  })
}

/** The bundle of a function, made by a process of its own: esbuild's plugins are asynchronous. */
function bundled(file: string): Code {
  return Code.fromAsset(functions, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: DockerImage.fromRegistry('unused'),
      // Part of what the CDK tells bundles of one folder apart by; the rest of this is not.
      command: [file],
      local: {
        tryBundle(folder: string): boolean {
          const bundle = `${functions}/bundle/main.ts`
          execFileSync(process.execPath, [bundle, file, folder, 'arm64'], { stdio: 'inherit' })
          return true
        },
      },
    },
  })
}
