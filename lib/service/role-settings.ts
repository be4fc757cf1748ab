import { availableParallelism, hostname } from 'node:os'
import type { Config } from '../config/schema.ts'
import type { RoleName } from './role.ts'

/** The roles of a run on one machine. */
export function rolesOf({ search }: Config): readonly RoleName[] {
  return search.enabled ? ['learn', 'embed', 'serve'] : ['learn', 'serve']
}

/** Decoder processes of one role, ≥ 1: the cores are shared out among the roles of a machine. */
export function decoderShare(config: Config): number {
  const { decoders } = config.limits
  if (decoders !== 'auto') return decoders
  const isAlone = config.stream.adapter === 'kafka'
  return Math.max(1, Math.floor(availableParallelism() / (isAlone ? 1 : rolesOf(config).length)))
}

/**
 * Consumer group of a role: one for `learn`, one for all of `embed`, one for each replica of
 * `serve`, which a host and its port tell from another, and find again after a restart.
 */
export function groupOf(
  { name, lineage, stream, http }: Pick<Config, 'name' | 'lineage' | 'stream' | 'http'>,
  role: 'serve' | 'embed' | 'learn',
): string {
  const isReplica = role === 'serve' && stream.adapter === 'kafka'
  const replica = isReplica ? [hostname(), `${http.port}`] : []
  const history = lineage === 'main' ? [] : [lineage]
  return ['contrastream', name, role, ...replica, ...history].join('-')
}

/** Time between two looks at what others write, ms: a folder is cheaper to ask than a bucket. */
export function lookEveryMs({ store }: Config): number {
  return store.adapter === 'file' ? 500 : 10_000
}

/** Time between two looks at `stable`, ms. */
export function releasePollMs({ store, release }: Config): number {
  return store.adapter === 'file' ? Math.min(250, release.poll) : release.poll
}

const portOffsets: Readonly<Record<RoleName, number>> = { ingest: 0, serve: 0, embed: 1, learn: 2 }

/** The settings of one role among those of a machine: its own admin port. */
export function configOfRole(config: Config, role: RoleName): Config {
  const { adminPort } = config.http
  // 0 takes a free one.
  const own = adminPort === 0 ? 0 : adminPort + portOffsets[role]
  return { ...config, http: { ...config.http, adminPort: own } }
}
