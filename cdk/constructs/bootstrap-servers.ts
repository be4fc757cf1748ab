import { RemovalPolicy } from 'aws-cdk-lib'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import {
  AwsCustomResource,
  AwsCustomResourcePolicy,
  PhysicalResourceId,
} from 'aws-cdk-lib/custom-resources'
import type { Construct } from 'constructs'
import { accept } from '../checks.ts'

/**
 * Addresses of an MSK cluster's brokers, for IAM: no attribute of the resource holds them, so one
 * call asks for them when the cluster changes.
 */
export function bootstrapOf(
  scope: Construct,
  clusterArn: string,
  removalPolicy: RemovalPolicy = RemovalPolicy.RETAIN,
): string {
  const asked = new AwsCustomResource(scope, 'bootstrap', {
    resourceType: 'Custom::BootstrapServers',
    installLatestAwsSdk: false,
    logGroup: new LogGroup(scope, 'bootstrap-logs', {
      retention: RetentionDays.ONE_WEEK,
      removalPolicy,
    }),
    onUpdate: {
      service: 'Kafka',
      action: 'GetBootstrapBrokers',
      parameters: { ClusterArn: clusterArn },
      physicalResourceId: PhysicalResourceId.of(clusterArn),
    },
    policy: AwsCustomResourcePolicy.fromSdkCalls({ resources: [clusterArn] }),
  })
  return asked.getResponseField('BootstrapBrokerStringSaslIam')
}

/** The function behind {@link bootstrapOf} is the CDK's own, one a stack. */
export function acceptBootstrapFunction(stack: Construct): void {
  const isProvider = (path: string): boolean => /\/AWS[0-9a-f]+$/.test(path)
  for (const provider of stack.node.children.filter(({ node }) => isProvider(node.path))) {
    accept(provider, 'The CDK makes this function and its role', [
      'IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
    ])
  }
}
