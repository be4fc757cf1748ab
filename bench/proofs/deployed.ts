import type { EmulatedAccount } from './emulated-account.ts'

/** Variables of a program. */
export type Environment = Readonly<Record<string, string>>

/** What a deployment made, as whoever uses it finds it. */
export interface Deployed {
  /** A name that the deployment publishes, by its last part. */
  parameter(name: string): string
  /** The variables of a role's container, as its task definition has them. */
  task(role: string): Environment
  /** The variables of a function. */
  function(name: string): Environment
}

interface TaskDefinition {
  readonly containerDefinitions: readonly {
    readonly name: string
    readonly environment: readonly { readonly name: string; readonly value: string }[]
  }[]
}
interface FunctionDescription {
  readonly FunctionName: string
  readonly Environment?: { readonly Variables: Environment }
}

const folder = '/contrastream/main/development'
const ecs = 'AmazonEC2ContainerServiceV20141113'

async function parameters({ call }: EmulatedAccount): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  let token: unknown
  do {
    const page = await call('ssm', 'AmazonSSM.GetParametersByPath', {
      ...{ Path: folder, Recursive: true },
      ...(token !== undefined && { NextToken: String(token) }),
    })
    for (const { Name, Value } of page['Parameters'] as readonly { Name: string; Value: string }[])
      found.set(Name.slice(folder.length + 1), Value)
    token = page['NextToken']
  } while (token !== undefined && token !== null)
  return found
}

async function containers({ call }: EmulatedAccount): Promise<ReadonlyMap<string, Environment>> {
  const { taskDefinitionArns } = await call('ecs', `${ecs}.ListTaskDefinitions`, {})
  const found = new Map<string, Environment>()
  for (const taskDefinition of taskDefinitionArns as readonly string[]) {
    const answer = await call('ecs', `${ecs}.DescribeTaskDefinition`, { taskDefinition })
    for (const { name, environment } of (answer['taskDefinition'] as TaskDefinition)
      .containerDefinitions) {
      found.set(name, Object.fromEntries(environment.map((one) => [one.name, one.value])))
    }
  }
  return found
}

/** Looks at what stands in an account after a deployment of the stage `development`. */
export async function deployedIn(account: EmulatedAccount): Promise<Deployed> {
  const names = await parameters(account)
  const tasks = await containers(account)
  const functions = (await account.get('lambda', '/2015-03-31/functions')) as unknown as {
    readonly Functions: readonly FunctionDescription[]
  }
  const expected = <T>(what: string, found: T | undefined): T => {
    if (found === undefined) throw new Error(`deployed: expected ${what}, found none`)
    return found
  }
  return {
    parameter: (name) => expected(`a parameter ${name}`, names.get(name)),
    task: (role) => expected(`a container ${role}`, tasks.get(role)),
    function: (name) => {
      const part = `functions-${name.replaceAll('-', '')}`
      const one = functions.Functions.find(({ FunctionName }) => FunctionName.includes(part))
      return expected(`a function ${name}`, one?.Environment?.Variables)
    },
  }
}
