import type { Template } from './assembly.ts'

/** One statement of a role's policy, its resources written out. */
export interface Statement {
  /** Logical id of the role. */
  readonly role: string
  readonly actions: readonly string[]
  readonly resources: readonly string[]
}

interface RawStatement {
  readonly Effect: string
  readonly Action: string | readonly string[]
  readonly Resource: unknown
}

const listOf = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? value : [value as T]

/** A value of a template as text: references become `<…>`. */
export function written(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const [[kind, inner] = []] = Object.entries(value)
  if (kind === 'Fn::Join') return (inner[1] as unknown[]).map(written).join(inner[0])
  if (kind === 'Fn::GetAtt') return `<${(inner as unknown[]).join('.')}>`
  return `<${typeof inner === 'string' ? inner : JSON.stringify(inner)}>`
}

/** What roles are allowed, by the policies of one template. */
export function statementsOf({ Resources }: Template): readonly Statement[] {
  const found: Statement[] = []
  const add = (role: string, document: unknown): void => {
    const { Statement } = document as { readonly Statement: readonly RawStatement[] }
    for (const { Effect, Action, Resource } of Statement) {
      if (Effect !== 'Allow') continue
      found.push({ role, actions: listOf(Action), resources: listOf(Resource).map(written) })
    }
  }
  for (const [id, { Type, Properties = {} }] of Object.entries(Resources)) {
    if (Type === 'AWS::IAM::Policy') {
      for (const role of Properties['Roles'] as readonly unknown[]) {
        add(written(role).slice(1, -1), Properties['PolicyDocument'])
      }
    }
    if (Type === 'AWS::IAM::Role') {
      for (const policy of (Properties['Policies'] ?? []) as readonly object[]) {
        add(id, (policy as { readonly PolicyDocument: unknown }).PolicyDocument)
      }
    }
  }
  return found
}

/** Whether a resource with wildcards covers a name. */
function covers(resource: string, name: string): boolean {
  const parts = resource.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`${parts.join('.*')}$`).test(`/${name}`)
}

/**
 * Whether a role may do something to an object or topic.
 *
 * @param role - How the role's logical id begins.
 * @param name - Key or name, as it ends the ARN.
 */
export function may(
  statements: readonly Statement[],
  role: string,
  action: string,
  name: string,
): boolean {
  return statements.some(
    (one) =>
      one.role.startsWith(role) &&
      one.actions.includes(action) &&
      one.resources.some((resource) => covers(tail(resource), name)),
  )
}

/** What follows the ARN of a bucket or cluster. */
function tail(resource: string): string {
  const at = resource.indexOf('/', resource.lastIndexOf('>') + 1)
  return at < 0 ? resource : resource.slice(at)
}
