import { Fn } from 'aws-cdk-lib'
import type { IRole } from 'aws-cdk-lib/aws-iam'
import { topicNames } from '../../lib/stream/topics.ts'
import type { Rights, Topic } from '../rights.ts'
import { allow } from './allow.ts'
import type { Kafka } from './kafka.ts'

const everyTopic = Object.keys(topicNames) as readonly Topic[]

/**
 * Gives a role its topics and its group.
 *
 * Only IAM is asked here: where a cluster has another login, its own rights decide.
 *
 * @param group - Role in the group's name; ends in a wildcard where each replica has its own.
 */
export function grantKafka(kafka: Kafka, role: IRole, group: string, rights: Rights): void {
  const { auth, clusterArn } = kafka
  const { consumes, produces, makesTopics } = rights
  if (auth !== 'iam' || clusterArn === undefined) return
  if (consumes.length + produces.length === 0) return
  const topics = (some: readonly Topic[]): string[] =>
    some.map((topic) => within(clusterArn, 'topic', kafka.topic(topic)))
  allow(role, { actions: ['kafka-cluster:Connect'], resources: [clusterArn] })
  // Every role looks at all topics when it starts: whether they are there, and what they take.
  allow(role, {
    actions: ['kafka-cluster:DescribeTopic', 'kafka-cluster:DescribeTopicDynamicConfiguration'],
    resources: topics(everyTopic),
  })
  if (consumes.length > 0) {
    allow(role, { actions: ['kafka-cluster:ReadData'], resources: topics(consumes) })
    allow(role, {
      actions: ['kafka-cluster:DescribeGroup', 'kafka-cluster:AlterGroup'],
      resources: [within(clusterArn, 'group', kafka.group(group))],
      ...(group.endsWith('*') && { why: 'Each replica has a group of its own' }),
    })
  }
  if (produces.length > 0) {
    allow(role, { actions: ['kafka-cluster:WriteData'], resources: topics(produces) })
  }
  if (makesTopics) {
    allow(role, {
      actions: [
        'kafka-cluster:CreateTopic',
        'kafka-cluster:AlterTopic',
        'kafka-cluster:AlterTopicDynamicConfiguration',
      ],
      resources: topics(everyTopic),
    })
  }
}

/** ARN of a topic or group, in which the cluster's name and uuid stand too. */
function within(clusterArn: string, kind: 'topic' | 'group', name: string): string {
  const [head, tail] = [0, 1].map((part) => Fn.select(part, Fn.split(':cluster/', clusterArn)))
  return `${head}:${kind}/${tail}/${name}`
}
