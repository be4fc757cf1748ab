import { StreamError } from '../errors.ts'

/** Keeps a task of ECS from being scaled in while it must not be interrupted. */
export interface TaskProtection {
  /** Protects from now on, for `minutes` at most: renew it before it ends. */
  protect(minutes: number): Promise<void>
  /** Lets the task be stopped again. */
  release(): Promise<void>
}

const patienceMs = 5_000

/**
 * The protection of the task that this process runs in.
 *
 * @param agent - `ECS_AGENT_URI`, which ECS puts into the environment; absent elsewhere, where
 * nobody stops what works: then nothing is done.
 * @throws {@link StreamError}, retryable, from its methods if the agent does not agree.
 */
export function taskProtection(agent: string | undefined): TaskProtection {
  const say = async (body: Readonly<Record<string, unknown>>): Promise<void> => {
    if (agent === undefined) return
    const fail = (got: string, cause?: unknown): never => {
      throw new StreamError(`task protection: expected ECS to agree, got ${got}`, {
        retryable: true,
        cause,
      })
    }
    const response = await fetch(`${agent}/task-protection/v1/state`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(patienceMs),
    }).catch((cause: unknown) => fail(String(cause), cause))
    // It answers 200 with an `error` or a `failure` where it refuses.
    const answer = (await response.json().catch(() => ({}))) as Readonly<Record<string, unknown>>
    const refusal = answer['error'] ?? answer['failure']
    if (!response.ok || refusal !== undefined) {
      fail(`${response.status} ${JSON.stringify(refusal ?? '')}`)
    }
  }
  return {
    protect: (minutes) => say({ ProtectionEnabled: true, ExpiresInMinutes: minutes }),
    release: () => say({ ProtectionEnabled: false }),
  }
}
