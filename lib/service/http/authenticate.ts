import type { FastifyRequest } from 'fastify'
import { AuthError } from '../../errors.ts'
import type { Scope, Token } from '../tokens.ts'
import { isOurHost } from './check-host.ts'
import type { TokenBook } from './token-book.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The token it came with; absent where none is needed. */
    grant: Token | undefined
  }
  interface FastifyContextConfig {
    /** What the route needs; absent: nothing. */
    scope?: Scope
    /** Whether its answer goes on for ever. */
    isEndless?: boolean
  }
}

/** Who may come in at a port. */
export interface DoorRules {
  readonly book: TokenBook
  /** Whether others than this machine can reach the port. */
  readonly needsToken: boolean
  /** Host names to answer to. */
  readonly names: readonly string[]
}

const bearer = (header: string | undefined): string | undefined =>
  header === undefined ? undefined : (/^Bearer +(\S+)$/i.exec(header)?.[1] ?? '')

/** A page of another site may send requests here, and must not change anything by them. */
function isOwnOrigin({ origin, host }: FastifyRequest['headers']): boolean {
  if (origin === undefined) return true
  return URL.canParse(origin) && new URL(origin).host === host
}

/**
 * Lets a request in, or not: by the name it was sent to, the page it comes from, its token and
 * the scope of the route.
 *
 * @throws {@link AuthError} with reason `host`, `origin`, `token`, `scope` or `header`.
 */
export async function authenticate(request: FastifyRequest, rules: DoorRules): Promise<void> {
  const { headers, routeOptions } = request
  const refuse = (reason: string, expected: string): never => {
    throw new AuthError(`${request.method} ${routeOptions.url ?? ''}: expected ${expected}`, {
      reason,
    })
  }
  if (!isOurHost(headers.host, rules.names)) {
    refuse('host', 'a Host header that names this server (http.names), got another one')
  }
  if (!isOwnOrigin(headers)) refuse('origin', 'a request of our own pages, got one of another site')
  const { scope } = routeOptions.config
  if (scope === undefined) return
  const presented = bearer(headers.authorization)
  if (presented === undefined) {
    if (rules.needsToken) refuse('token', 'Authorization: Bearer <token>, got none')
  } else {
    const token = await rules.book.find(presented)
    if (token === undefined) refuse('token', 'a valid token, got an unknown or ended one')
    if (token?.scope !== 'admin' && token?.scope !== scope) {
      refuse('scope', `a token for ${scope}, got one for ${token?.scope}`)
    }
    request.grant = token
  }
  if (scope === 'admin' && headers['x-contrastream'] !== '1') {
    refuse('header', 'the header x-contrastream: 1, got none')
  }
}

/** Who asks, for the audit. */
export const askerOf = ({ grant }: FastifyRequest): string =>
  grant === undefined ? 'http:loopback' : `http:${grant.id}`
