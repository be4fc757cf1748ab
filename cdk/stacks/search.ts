import { Duration, type RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib'
import { Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2'
import type { Cluster } from 'aws-cdk-lib/aws-ecs'
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ListenerCertificate,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import { settingVariable } from '../../lib/config/names.ts'
import type { ImageProps } from '../constructs/container-image.ts'
import { CpuService } from '../constructs/cpu-service.ts'
import { publishName } from '../constructs/parameter.ts'
import type { Pipeline } from '../constructs/pipeline-environment.ts'
import { protectTasks } from '../constructs/task-protection.ts'
import type { NetworkStack } from './network.ts'

/** Props of {@link SearchStack}. */
export interface SearchStackProps extends StackProps {
  readonly pipeline: Pipeline
  readonly folder: string
  readonly network: NetworkStack
  readonly cluster: Cluster
  readonly image: ImageProps
  readonly accessLogs: IBucket
  /** Names of yours that lead to its load balancer. */
  readonly serveNames: readonly string[]
  /** @default - plain HTTP, inside the network */
  readonly certificateArn?: string
  readonly removalPolicy: RemovalPolicy
}

const dataPort = 8080
const adminPort = 9090

/** Vectors and answers: `embed` builds each release's index, `serve` answers from it. */
export class SearchStack extends Stack {
  readonly embed: CpuService
  readonly serve: CpuService
  readonly balancer: ApplicationLoadBalancer

  constructor(scope: Construct, id: string, props: SearchStackProps) {
    super(scope, id, props)
    const { pipeline, network, cluster, image, removalPolicy } = props
    const { vpc, subnets } = network
    const clients = pipeline.kafka.clientsIn(this)
    const common = { pipeline, cluster, subnets, image, removalPolicy }
    this.embed = new CpuService(this, 'embed', {
      ...common,
      role: 'embed',
      securityGroups: [clients],
      cpu: 2_048,
      memoryMiB: 4_096,
      maxTasks: pipeline.partitions,
    })
    // A backfill must not be cut off because the CPU rests between two blocks.
    protectTasks(this.embed.task.taskRole, cluster)
    const servers = new SecurityGroup(this, 'servers', { vpc, description: 'Tasks of serve' })
    const front = new SecurityGroup(this, 'front', {
      vpc,
      description: 'Load balancer of serve: whoever may ask it is let in here',
      allowAllOutbound: false,
    })
    for (const port of [dataPort, adminPort]) {
      front.addEgressRule(servers, Port.tcp(port), 'To serve')
      servers.addIngressRule(front, Port.tcp(port), 'From the load balancer')
    }
    this.balancer = new ApplicationLoadBalancer(this, 'balancer', {
      vpc,
      vpcSubnets: subnets,
      internetFacing: false,
      securityGroup: front,
      dropInvalidHeaderFields: true,
    })
    const names = [this.balancer.loadBalancerDnsName, ...props.serveNames]
    this.serve = new CpuService(this, 'serve', {
      ...common,
      role: 'serve',
      securityGroups: [clients, servers],
      cpu: 1_024,
      memoryMiB: 4_096,
      maxTasks: 10,
      ports: [dataPort, adminPort],
      environment: {
        [settingVariable('http.host')]: '0.0.0.0',
        [settingVariable('http.adminHost')]: '0.0.0.0',
        // It answers to no other name.
        [settingVariable('http.names')]: `[${names.join(',')}]`,
      },
    })
    this.#keepAccessLogs(props.accessLogs)
    this.#listen(props)
    publishName(this, props.folder, 'serve-address', this.balancer.loadBalancerDnsName)
    publishName(this, props.folder, 'serve-security-group', front.securityGroupId)
  }

  #listen({ certificateArn }: SearchStackProps): void {
    const isSecure = certificateArn !== undefined
    const listener = this.balancer.addListener('listener', {
      protocol: isSecure ? ApplicationProtocol.HTTPS : ApplicationProtocol.HTTP,
      port: isSecure ? 443 : dataPort,
      open: false,
      ...(isSecure && { certificates: [ListenerCertificate.fromArn(certificateArn)] }),
    })
    listener.addTargets('serve', {
      port: dataPort,
      protocol: ApplicationProtocol.HTTP,
      targets: [
        this.serve.service.loadBalancerTarget({ containerName: 'serve', containerPort: dataPort }),
      ],
      deregistrationDelay: Duration.seconds(30),
      healthCheck: {
        path: '/health/ready',
        port: String(adminPort),
        healthyThresholdCount: 2,
        interval: Duration.seconds(10),
      },
    })
  }

  /** By attributes: the construct's own way wants to know the region. */
  #keepAccessLogs(bucket: IBucket): void {
    this.balancer.setAttribute('access_logs.s3.enabled', 'true')
    this.balancer.setAttribute('access_logs.s3.bucket', bucket.bucketName)
    this.balancer.setAttribute('access_logs.s3.prefix', 'serve')
  }
}
