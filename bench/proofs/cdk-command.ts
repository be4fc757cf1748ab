import { spawn } from 'node:child_process'
import { cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { EmulatedAccount } from './emulated-account.ts'

/** What the CDK's command said, and how it ended. */
export interface Ran {
  readonly code: number
  readonly text: string
  readonly seconds: number
}

const checkout = fileURLToPath(new URL('../..', import.meta.url))
const parts = ['cdk.json', 'package.json', 'cdk', 'functions', 'lib', 'docker', 'Dockerfile']

/** What an emulator can take: an existing Kafka, no mapping of it, images that exist. */
const emulated = {
  stage: 'development',
  kafka: 'existing',
  bootstrapServers: 'broker.example:9098',
  clusterArn: 'arn:aws:kafka:us-east-1:123456789012:cluster/ours/0a1b-2',
  kafkaEvents: 'false',
  cpuImage: 'registry.example/cpu@sha256:0a',
  gpuImage: 'registry.example/gpu@sha256:0b',
}

/** A whole deployment, without asking. Directly: after a change set moto forgets exports. */
export const deployAll = ['deploy', '**', '--require-approval', 'never', '--method', 'direct']

/** A copy of what is deployed: an edit that is made meanwhile would be another deployment. */
export function copyCheckout(folder: string): void {
  for (const part of parts) cpSync(join(checkout, part), join(folder, part), { recursive: true })
  symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'))
}

/**
 * Runs the CDK's own command against an emulated account.
 *
 * @param folder - Where {@link copyCheckout} has been.
 * @param context - Further keys of the app's context.
 */
export function cdkCommand(
  words: readonly string[],
  { environment }: EmulatedAccount,
  folder: string,
  context: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const all = Object.entries({ ...emulated, ...context })
  const settings = all.flatMap(([key, value]) => ['-c', `${key}=${value}`])
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
