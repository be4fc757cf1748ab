import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { explainWildcard } from '../checks.ts'

/** One right, as a statement. */
export interface Right {
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  /** @default - none */
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /**
   * Why a resource ends in a wildcard.
   *
   * @default - none: a wildcard is then a finding
   */
  readonly why?: string
}

/** Gives a role a right; a wildcard among its resources is recorded with its reason. */
export function allow(role: IRole, { actions, resources, conditions, why }: Right): void {
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: [...actions],
      resources: [...resources],
      ...(conditions && { conditions }),
    }),
  )
  if (why === undefined) return
  for (const resource of resources.filter((one) => one.includes('*'))) {
    explainWildcard(role, resource, why)
  }
}
