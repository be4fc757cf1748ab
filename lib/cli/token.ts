import { ConfigError } from '../errors.ts'
import type { Pipeline } from '../service/open-pipeline.ts'
import {
  createToken,
  isLive,
  listTokens,
  revokeToken,
  type Scope,
  scopes,
} from '../service/tokens.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { textTable, timeText } from './text-table.ts'
import { withPipeline } from './with-pipeline.ts'

type Args = readonly (string | readonly string[])[]

interface CreateOptions extends GlobalOptions {
  readonly scope: string
  readonly days?: string
}

const isScope = (text: string): text is Scope => (scopes as readonly string[]).includes(text)

/** `contrastream token create` */
export async function tokenCreate(_: Args, options: CreateOptions): Promise<void> {
  const { config, output } = contextOf('token create', options)
  const { scope } = options
  if (!isScope(scope)) {
    throw new ConfigError(`--scope: expected ${scopes.join(', ')}, got '${scope}'`)
  }
  const days = options.days === undefined ? {} : { days: Number(options.days) }
  const create = async ({ documents }: Pipeline) => {
    const { secret, token } = await createToken(documents, scope, { ...days, now: Date.now() })
    const { id, expiresAt } = token
    const end = expiresAt === undefined ? 'without end' : `until ${timeText(expiresAt)}`
    output.note(`token ${id} for ${scope}, ${end}; it is not shown again`)
    output.result({ event: 'token', id, scope, expiresAt, token: secret }, secret)
  }
  await withPipeline(config, create, { make: true }) // a public address asks for one at its start
}

/** `contrastream token list` */
export async function tokenList(_: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('token list', options)
  const now = Date.now()
  const tokens = await withPipeline(config, ({ documents }) => listTokens(documents))
  if (tokens.length === 0) return output.note('no tokens: `contrastream token create` makes one')
  if (output.isJson) {
    for (const token of tokens) {
      const { format: _, sha256: __, ...told } = token
      output.result({ event: 'token', ...told, isLive: isLive(token, now) }, '')
    }
    return
  }
  const rows = tokens.map((token) => {
    const { id, scope, createdAt, expiresAt, revokedAt } = token
    const ended = isLive(token, now) ? '' : 'expired'
    return [
      id,
      scope,
      timeText(createdAt),
      expiresAt === undefined ? 'never' : timeText(expiresAt),
      revokedAt === undefined ? ended : `revoked ${timeText(revokedAt)}`,
    ]
  })
  output.result({}, textTable([['id', 'scope', 'made', 'ends', ''], ...rows]))
}

/** `contrastream token revoke` */
export async function tokenRevoke([id]: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('token revoke', options)
  await withPipeline(config, async ({ documents }) => {
    const { revokedAt } = await revokeToken(documents, String(id), Date.now())
    output.result({ event: 'revoked', id, revokedAt }, `token ${id} is revoked, within 30 s`)
  })
}
