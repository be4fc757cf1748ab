import { type CfnElement, Stack, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import type { Construct, IConstruct } from 'constructs'

/** Resources with a wildcard that a construct was given, each with its reason. */
const reasons = new WeakMap<IConstruct, { readonly resource: string; readonly why: string }[]>()

/** Says why a policy below this construct names `resource`, which holds a wildcard. */
export function explainWildcard(scope: Construct, resource: string, why: string): void {
  reasons.set(scope, [...(reasons.get(scope) ?? []), { resource, why }])
}

/** Accepts findings about this construct and what is below it. */
export function accept(scope: IConstruct, why: string, ids: readonly string[]): void {
  const acknowledged = ids.map((id) => ({ id: `AwsSolutions-${id}`, reason: why }))
  Validations.of(scope).acknowledge(...acknowledged)
}

/** A reference as the checks spell it: `<LogicalId.Arn>`, or the name of an imported value. */
function spelled(value: unknown): string {
  if (typeof value !== 'object' || value === null) {
    return String(value).replaceAll('${', '<').replaceAll('}', '>')
  }
  const [[kind, inner] = []] = Object.entries(value)
  if (kind === 'Fn::Join') return (inner[1] as unknown[]).map(spelled).join(inner[0])
  if (kind === 'Fn::GetAtt') return `<${(inner as unknown[]).map(spelled).join('.')}>`
  if (kind === 'Ref') return `<${spelled(inner)}>`
  if (kind === 'Fn::Sub' || kind === 'Fn::ImportValue') return spelled(inner)
  return JSON.stringify(value)
}

/**
 * cdk-nag's AwsSolutions rules.
 *
 * A wildcard's finding is named after the resolved resource, whose name in another stack is known
 * only now, after the references between stacks were made.
 */
export class Checks extends AwsSolutionsChecks {
  override validateScope(scope: IConstruct): ReturnType<AwsSolutionsChecks['validateScope']> {
    for (const construct of scope.node.findAll()) {
      for (const { resource, why } of reasons.get(construct) ?? []) {
        const name = spelled(Stack.of(construct as CfnElement).resolve(resource))
        accept(construct, why, [`IAM5[Resource::${name}]`])
      }
    }
    return super.validateScope(scope)
  }
}
