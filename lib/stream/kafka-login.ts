import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import type { KafkaConfig, SASLOptions } from 'kafkajs'
import { ConfigError } from '../errors.ts'
import type { KafkaAuth, KafkaConnection } from './kafka-options.ts'
import { mskLogin } from './msk-login.ts'

/** The part of a client's settings that a login decides. */
export type Login = Pick<KafkaConfig, 'ssl' | 'sasl'>

/**
 * Encryption and proof of identity of a connection; reads the files that it names.
 *
 * Host names are always checked.
 *
 * @throws {@link ConfigError} if a file cannot be read, or a password would travel in the clear.
 */
export function kafkaLogin(connection: KafkaConnection): Login {
  const auth = connection.auth ?? { kind: 'none' }
  const isEncrypted = connection.tls ?? auth.kind !== 'none'
  if (!isEncrypted && !mayBePlain(auth, connection.brokers)) {
    throw new ConfigError(
      `kafka.tls: expected true for ${auth.kind} with brokers beyond this machine, got false`,
    )
  }
  const sasl = saslOf(auth)
  return { ...(isEncrypted && { ssl: tlsOf(connection, auth) }), ...(sasl && { sasl }) }
}

/** A certificate or a token needs TLS; a password may go in the clear within this machine. */
function mayBePlain(auth: KafkaAuth, brokers: readonly string[]): boolean {
  return auth.kind === 'none' || (auth.kind === 'scram' && brokers.every(isLoopback))
}

function isLoopback(broker: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\]):\d+$/.test(broker)
}

function tlsOf({ caFile }: KafkaConnection, auth: KafkaAuth): ConnectionOptions {
  return {
    ...(caFile !== undefined && { ca: textOf('kafka.caFile', caFile) }),
    ...(auth.kind === 'mtls' && {
      cert: textOf('kafka.auth.certFile', auth.certFile),
      key: textOf('kafka.auth.keyFile', auth.keyFile),
    }),
  }
}

function saslOf(auth: KafkaAuth): SASLOptions | undefined {
  switch (auth.kind) {
    case 'none':
    case 'mtls':
      return undefined
    case 'iam':
      return { mechanism: 'oauthbearer', oauthBearerProvider: () => mskLogin(auth.region) }
    case 'scram':
      return {
        mechanism: auth.mechanism,
        username: auth.username,
        password: textOf('kafka.auth.passwordFile', auth.passwordFile).replace(/\r?\n$/, ''),
      }
  }
}

function textOf(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ConfigError(`${setting}: expected a file that can be read, got ${String(cause)}`, {
      cause,
    })
  }
}
