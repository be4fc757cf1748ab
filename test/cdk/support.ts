import { readFileSync } from 'node:fs'
import { App, Validations } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Checks } from '../../cdk/checks.ts'
import { Deployment } from '../../cdk/deployment.ts'
import { settingsOf } from '../../cdk/settings.ts'

// The validator of whole templates takes seconds a process; a proof runs it.
process.env['CDK_VALIDATION'] = 'false'

/** Images that exist: nothing is hashed or built. */
export const images = { cpuImage: 'registry/cpu@sha256:0a', gpuImage: 'registry/gpu@sha256:0b' }

/** Context of a cluster that exists. */
export const existing = {
  kafka: 'existing',
  bootstrapServers: 'b-1.example:9098,b-2.example:9098',
  clusterArn: 'arn:aws:kafka:eu-central-1:123456789012:cluster/ours/0a1b-2',
}

/** Whatever a template says of a resource. */
export interface Resource {
  readonly Type: string
  // biome-ignore lint/suspicious/noExplicitAny: a template may hold anything.
  readonly Properties: Record<string, any>
  readonly DeletionPolicy?: string
}

/** A synthesised deployment. */
export interface Synthesised {
  /** Templates by the stack's name in our code. */
  readonly templates: Readonly<Record<string, Template>>
  readonly terminationProtection: Readonly<Record<string, boolean>>
}

const made = new Map<string, Synthesised>()

/** An app for unit tests: the flags of `cdk.json`, nothing bundled. */
export function testApp(): App {
  const flags = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'))
  const context = { ...flags.context, 'aws:cdk:bundling-stacks': [] }
  return new App({ context, analyticsReporting: false })
}

/** The templates for a context, checked by cdk-nag; made once a test file. */
export function synthesise(context: Readonly<Record<string, unknown>> = {}): Synthesised {
  const key = JSON.stringify(context)
  const known = made.get(key)
  if (known !== undefined) return known
  const app = testApp()
  const deployment = new Deployment(app, 'test', settingsOf({ ...images, ...context }))
  Validations.of(app).addPlugins(new Checks(app))
  const { stacks } = app.synth().getNestedAssembly(deployment.artifactId)
  const named = stacks.map((stack) => [stack.stackName.replace('test-', ''), stack] as const)
  const result = {
    templates: Object.fromEntries(
      named.map(([name, { template }]) => [name, Template.fromJSON(template)]),
    ),
    terminationProtection: Object.fromEntries(
      named.map(([name, { terminationProtection }]) => [name, terminationProtection ?? false]),
    ),
  }
  made.set(key, result)
  return result
}

/** Resources of a type in one stack. */
export function resources(made: Synthesised, stack: string, type: string): readonly Resource[] {
  const template = made.templates[stack]
  if (template === undefined) throw new Error(`no stack ${stack}`)
  return Object.values(template.findResources(type)) as unknown as Resource[]
}

/** The only resource of a type whose JSON holds a text. */
export function resource(made: Synthesised, stack: string, type: string, text = ''): Resource {
  const found = resources(made, stack, type).filter((one) => JSON.stringify(one).includes(text))
  const [first] = found
  if (found.length === 1 && first !== undefined) return first
  throw new Error(`expected one ${type} with '${text}' in ${stack}, got ${found.length}`)
}

/** One of the functions, by the name that its construct has in our code. */
export function functionOf(made: Synthesised, name: string): Resource {
  const all = made.templates['functions']?.findResources('AWS::Lambda::Function') ?? {}
  const [found] = Object.entries(all).filter(([id]) => id.startsWith(name))
  if (found !== undefined) return found[1] as unknown as Resource
  throw new Error(`no function ${name} among ${Object.keys(all).join(', ')}`)
}
