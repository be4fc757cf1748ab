import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

/** A resource of a template. */
export interface Resource {
  readonly Type: string
  readonly Properties?: Readonly<Record<string, unknown>>
}

/** One stack as CloudFormation gets it. */
export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>
}

/** A synthesised app. */
export interface Assembly {
  /** Everything that the app said, warnings among it. */
  readonly output: string
  readonly isSound: boolean
  /** Templates by the name of their stack. */
  readonly templates: Readonly<Record<string, Template>>
  readonly files: readonly string[]
}

/** Contexts of every stage with every kind of Kafka. */
export function everyContext(): readonly Readonly<Record<string, string>>[] {
  const clusterArn = 'arn:aws:kafka:eu-central-1:123456789012:cluster/ours/0a1b-2'
  const secret = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:AmazonMSK_login-AbCdEf'
  const kinds: readonly Readonly<Record<string, string>>[] = [
    { kafka: 'provisioned' },
    { kafka: 'serverless' },
    { kafka: 'existing', bootstrapServers: 'b-1.example:9098', clusterArn },
    {
      kafka: 'existing',
      bootstrapServers: 'b-1.example:9096',
      kafkaAuth: 'scram',
      kafkaSecretArn: secret,
    },
  ]
  return ['development', 'production'].flatMap((stage) => kinds.map((kind) => ({ stage, ...kind })))
}

/** Images that exist: nothing is built, and no folder is hashed. */
const images = {
  cpuImage: 'registry.example/cpu@sha256:0a',
  gpuImage: 'registry.example/gpu@sha256:0b',
}

/** Runs the app of `cdk.json` as the CDK's command does, without an account or a network. */
export async function synthesise(
  context: Readonly<Record<string, string>>,
  folder: string,
  isValidated = false,
): Promise<Assembly> {
  const settings = JSON.parse(await readFile(join(checkout, 'cdk.json'), 'utf8'))
  const all = { ...settings.context, ...images, ...context, 'aws:cdk:bundling-stacks': [] }
  const child = spawn(process.execPath, ['cdk/app.ts'], {
    cwd: checkout,
    env: {
      PATH: process.env['PATH'] ?? '',
      CDK_OUTDIR: folder,
      CDK_CONTEXT_JSON: JSON.stringify(all),
      ...(isValidated ? {} : { CDK_VALIDATION: 'false' }),
    },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  const code = await new Promise((resolve) => child.once('close', resolve))
  const files = (await readdir(folder, { recursive: true }).catch(() => []))
    .filter((name) => name.endsWith('.template.json'))
    .map((name) => join(folder, name))
  const read = files.map(async (file) => [stackOf(file), JSON.parse(await readFile(file, 'utf8'))])
  const templates = Object.fromEntries(await Promise.all(read))
  return { output: output.trim(), isSound: code === 0, templates, files }
}

const stackNames = ['network', 'data', 'stream', 'learner', 'search', 'functions', 'observability']

/** A template's file is named after its stack, with a hash. */
function stackOf(file: string): string {
  return stackNames.find((name) => new RegExp(`${name}[0-9A-F]{8}\\.template`).test(file)) ?? file
}
