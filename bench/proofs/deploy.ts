import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Proof } from './proof.ts'
import { pythonTool } from './python-tool.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))
const parts = ['cdk.json', 'package.json', 'cdk', 'functions', 'lib', 'docker', 'Dockerfile']

/** A copy of what is deployed: an edit that is made meanwhile would be another deployment. */
function copyCheckout(folder: string): void {
  for (const part of parts) cpSync(join(checkout, part), join(folder, part), { recursive: true })
  symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'))
}

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { readonly port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** An AWS account that lives in one process, and what reaches it. */
interface Emulator {
  readonly environment: Readonly<Record<string, string>>
  stop(): Promise<void>
}

async function startEmulator(): Promise<Emulator> {
  const port = await freePort()
  const child: ChildProcess = spawn(pythonTool('moto_server'), ['-p', String(port)], {
    stdio: 'ignore',
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  // By name: it takes an address of digits in a template's URL for a bucket.
  const url = `http://localhost:${port}`
  for (let tries = 0; tries < 600; tries += 1) {
    const isUp = await fetch(`${url}/moto-api/`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isUp) break
    await delay(100)
  }
  return {
    environment: {
      AWS_ENDPOINT_URL: url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    stop: async () => {
      child.kill()
      await ended
    },
  }
}

/** What the CDK's command said, and how it ended. */
interface Ran {
  readonly code: number
  readonly text: string
  readonly seconds: number
}

/** What an emulator can take: an existing Kafka, no mapping of it, images that exist. */
const context = {
  stage: 'development',
  kafka: 'existing',
  bootstrapServers: 'broker.example:9098',
  clusterArn: 'arn:aws:kafka:us-east-1:123456789012:cluster/ours/0a1b-2',
  kafkaEvents: 'false',
  cpuImage: 'registry.example/cpu@sha256:0a',
  gpuImage: 'registry.example/gpu@sha256:0b',
}

function cdk(words: readonly string[], { environment }: Emulator, folder: string): Promise<Ran> {
  const settings = Object.entries(context).flatMap(([key, value]) => ['-c', `${key}=${value}`])
  const began = performance.now()
  const command = join(folder, 'node_modules', '.bin', 'cdk')
  const child = spawn(command, [...words, ...settings, '--no-notices'], {
    cwd: folder,
    // With npm's own settings, for the bundles, and without an account of somebody's.
    env: { ...process.env, AWS_PROFILE: '', AWS_CA_BUNDLE: '', CI: 'true', ...environment },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      text += chunk
    })
  }
  return new Promise((resolve) => {
    child.once('close', (code) => {
      const seconds = Math.round((performance.now() - began) / 1_000)
      resolve({ code: code ?? 1, text, seconds })
    })
  })
}

/** What the command says of a stack that it leaves alone, seven times. */
const unchanged = /^(?:[\s\S]*?\(no changes\)){7}/

/** The CDK's own command against an emulated account: deployed, deployed again, compared. */
export const deploy: Proof = async () => {
  const work = mkdtempSync(join(tmpdir(), 'contrastream-deploy-'))
  copyCheckout(work)
  const emulator = await startEmulator()
  try {
    const run = (words: readonly string[]): Promise<Ran> => cdk(words, emulator, work)
    const lines: string[] = []
    const step = async (
      what: string,
      words: readonly string[],
      says?: RegExp,
    ): Promise<boolean> => {
      const { code, text, seconds } = await run(words)
      const holds = code === 0 && (says === undefined || says.test(text))
      lines.push(`${what}: ${holds ? 'holds' : 'FALLS SHORT'}, ${seconds} s`)
      if (!holds) lines.push(text.slice(-4_000))
      return holds
    }
    // Directly: after a change set the emulator forgets what a stack exports.
    const deployed = ['deploy', '**', '--require-approval', 'never', '--method', 'direct']
    const holds =
      (await step('bootstrap', ['bootstrap'])) &&
      (await step('first deployment', deployed)) &&
      (await step('second one: none of seven stacks changes', deployed, unchanged)) &&
      (await step('diff: nothing differs', ['diff', '**', '--fail', '--method', 'template']))
    return { lines, holds }
  } finally {
    await emulator.stop()
    rmSync(work, { recursive: true, force: true })
  }
}
