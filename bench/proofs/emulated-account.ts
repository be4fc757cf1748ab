import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { pythonTool } from './python-tool.ts'

/** What a service answers. */
export type Answer = Readonly<Record<string, unknown>>

/** An AWS account that lives in one process, moto, and what reaches it. */
export interface EmulatedAccount {
  readonly url: string
  /** Variables for programs that shall take it for AWS. */
  readonly environment: Readonly<Record<string, string>>
  /**
   * Calls a service of the JSON protocol.
   *
   * @param service - As in the scope of a signature: `ssm`, `sqs`, `ecs`.
   * @param action - With the service's own prefix: `AmazonSSM.GetParameter`.
   */
  call(service: string, action: string, body: object): Promise<Answer>
  /** Reads from a service that has paths in place of actions. */
  get(service: string, path: string): Promise<Answer>
  /** Writes to such a service. */
  put(service: string, path: string, body: object): Promise<Answer>
  stop(): Promise<void>
}

const region = 'us-east-1'
const tries = 600
const betweenMs = 100

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { readonly port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Waits until it answers. */
async function answering(url: string): Promise<void> {
  for (let n = 0; n < tries; n += 1) {
    const isUp = await fetch(`${url}/moto-api/`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isUp) return
    await delay(betweenMs)
  }
  throw new Error(`${url}: expected moto to answer within ${(tries * betweenMs) / 1_000} s`)
}

/** Nobody checks the signature; its scope tells the services apart. */
const signed = (service: string) => ({
  authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
})

async function ask(url: string, what: string, request: RequestInit): Promise<Answer> {
  const response = await fetch(url, request)
  const text = await response.text()
  if (!response.ok) throw new Error(`${what}: expected an answer, got ${text}`)
  return text === '' ? {} : (JSON.parse(text) as Answer)
}

/** Starts an account with nothing in it. */
export async function emulatedAccount(): Promise<EmulatedAccount> {
  const port = await freePort()
  const child: ChildProcess = spawn(pythonTool('moto_server'), ['-p', String(port)], {
    stdio: 'ignore',
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  // By name: it takes an address of digits in a template's URL for a bucket.
  const url = `http://localhost:${port}`
  await answering(url)
  return {
    url,
    environment: {
      AWS_ENDPOINT_URL: url,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    call: (service, action, body) =>
      ask(url, action, {
        method: 'POST',
        headers: {
          ...signed(service),
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-target': action,
        },
        body: JSON.stringify(body),
      }),
    get: (service, path) => ask(`${url}${path}`, path, { headers: signed(service) }),
    put: (service, path, body) =>
      ask(`${url}${path}`, path, {
        method: 'PUT',
        headers: { ...signed(service), 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    stop: async () => {
      child.kill()
      await ended
    },
  }
}
