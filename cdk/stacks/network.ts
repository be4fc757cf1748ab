import { Fn, Stack, type StackProps } from 'aws-cdk-lib'
import {
  FlowLogDestination,
  GatewayVpcEndpointAwsService,
  type InterfaceVpcEndpointAwsService,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  InterfaceVpcEndpointAwsService as Service,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import { accept } from '../checks.ts'

/** Props of {@link NetworkStack}. */
export interface NetworkStackProps extends StackProps {
  /** A network of yours, or how many zones a new one has. */
  readonly network:
    | { readonly zones: 2 | 3; readonly egress: 'nat' | 'endpoints' }
    | {
        readonly vpcId: string
        readonly subnetIds: readonly string[]
        readonly zoneNames: readonly string[]
      }
}

/** What tasks and functions call; S3 has a gateway of its own, which is free. */
const services: Readonly<Record<string, InterfaceVpcEndpointAwsService>> = {
  'ecr-api': Service.ECR,
  'ecr-dkr': Service.ECR_DOCKER,
  logs: Service.CLOUDWATCH_LOGS,
  ecs: Service.ECS,
  'ecs-agent': Service.ECS_AGENT,
  'ecs-telemetry': Service.ECS_TELEMETRY,
  lambda: Service.LAMBDA,
  sts: Service.STS,
  events: Service.EVENTBRIDGE,
  secrets: Service.SECRETS_MANAGER,
}

/** The network: made, or imported by its identifiers, never looked up. */
export class NetworkStack extends Stack {
  readonly vpc: IVpc
  readonly subnets: SubnetSelection
  readonly #zones: number

  constructor(scope: Construct, id: string, { network, ...props }: NetworkStackProps) {
    super(scope, id, props)
    this.#zones = 'zones' in network ? network.zones : network.zoneNames.length
    if ('vpcId' in network) {
      this.vpc = Vpc.fromVpcAttributes(this, 'vpc', {
        vpcId: network.vpcId,
        availabilityZones: [...network.zoneNames],
        privateSubnetIds: [...network.subnetIds],
      })
      this.subnets = { subnets: this.vpc.privateSubnets }
      return
    }
    const isOpen = network.egress === 'nat'
    const subnetType = isOpen ? SubnetType.PRIVATE_WITH_EGRESS : SubnetType.PRIVATE_ISOLATED
    const outside = { name: 'public', subnetType: SubnetType.PUBLIC, cidrMask: 24 }
    this.vpc = new Vpc(this, 'vpc', {
      maxAzs: network.zones,
      natGateways: isOpen ? 1 : 0,
      subnetConfiguration: [
        ...(isOpen ? [outside] : []),
        { name: 'roles', subnetType, cidrMask: 20 },
      ],
      gatewayEndpoints: { s3: { service: GatewayVpcEndpointAwsService.S3 } },
      // Nothing uses the default group: all that runs here names its own.
      restrictDefaultSecurityGroup: false,
    })
    this.subnets = { subnetType }
    this.#keepFlowLogs(this.vpc)
    if (!isOpen) this.#addEndpoints(this.vpc)
  }

  /** Without a fixed region the CDK plans for two zones; the third is picked when deploying. */
  override get availabilityZones(): string[] {
    return Array.from({ length: this.#zones ?? 3 }, (_, i) => Fn.select(i, Fn.getAzs()))
  }

  #keepFlowLogs(vpc: IVpc): void {
    const logGroup = new LogGroup(this, 'flow-logs', { retention: RetentionDays.ONE_MONTH })
    const role = new Role(this, 'flow-logs-role', {
      assumedBy: new ServicePrincipal('vpc-flow-logs.amazonaws.com'),
    })
    vpc.addFlowLog('flow', { destination: FlowLogDestination.toCloudWatchLogs(logGroup, role) })
  }

  #addEndpoints(vpc: IVpc): void {
    const group = new SecurityGroup(this, 'endpoints', {
      vpc,
      description: 'Endpoints of AWS services',
      allowAllOutbound: false,
    })
    group.addIngressRule(Peer.ipv4(vpc.vpcCidrBlock), Port.tcp(443), 'From inside')
    accept(group, 'Opened to the network itself, whose range is known only when it exists', [
      'EC23',
    ])
    for (const [name, service] of Object.entries(services)) {
      vpc.addInterfaceEndpoint(name, { service, open: false, securityGroups: [group] })
    }
  }
}
