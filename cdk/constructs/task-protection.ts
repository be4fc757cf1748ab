import { ArnFormat, Stack } from 'aws-cdk-lib'
import type { Cluster } from 'aws-cdk-lib/aws-ecs'
import type { Role } from 'aws-cdk-lib/aws-iam'
import { allow } from './allow.ts'

/** Lets the tasks of a cluster keep themselves from being scaled in while they work. */
export function protectTasks(taskRole: Role, cluster: Cluster): void {
  const resourceName = `${cluster.clusterName}/*`
  const arnFormat = ArnFormat.SLASH_RESOURCE_NAME
  allow(taskRole, {
    actions: ['ecs:GetTaskProtection', 'ecs:UpdateTaskProtection'],
    resources: [
      Stack.of(taskRole).formatArn({ service: 'ecs', resource: 'task', resourceName, arnFormat }),
    ],
    why: 'A task learns its number when it starts; the cluster is only ours',
  })
}
