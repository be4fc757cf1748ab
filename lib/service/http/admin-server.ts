import { ConfigError } from '../../errors.ts'
import { releaseHolder } from '../serving-release.ts'
import { admission } from './admission.ts'
import { type AppParts, openApp } from './open-app.ts'
import { operationRoutes } from './operation-routes.ts'
import type { HttpParts } from './parts.ts'
import { tokenBook } from './token-book.ts'

/** The admin port of a role that answers no other requests: health and metrics. */
export interface AdminServer {
  /** Where it listens, as a URL. */
  readonly address: string
  /** Says from now on that it is not ready. */
  drain(): void
  close(): Promise<void>
}

/** What it shows. */
export type AdminParts = Omit<AppParts, 'releases'> & Pick<HttpParts, 'health'>

/** Nothing here needs a scope, so nothing is counted. */
const limits = { requests: 1, bytes: 1 }

/**
 * Opens it at `http.adminHost` and `http.adminPort`.
 *
 * @throws {@link ConfigError} if the address cannot be had.
 */
export async function adminServer(parts: AdminParts): Promise<AdminServer> {
  const { adminHost: host, adminPort: port, names } = parts.config.http
  const book = tokenBook(
    async () => [],
    Date.now,
    () => undefined,
  )
  let isDraining = false
  const app = await openApp(
    { ...parts, releases: { ...releaseHolder(), bad: [] } },
    admission(limits),
    {
      book,
      names,
      needsToken: false,
    },
  )
  await app.register(operationRoutes(parts, () => isDraining))
  const close = async (): Promise<void> => {
    book.close()
    await app.close()
  }
  try {
    return {
      address: await app.listen({ host, port }),
      drain: () => {
        isDraining = true
      },
      close,
    }
  } catch (cause) {
    await close()
    const message = `http.adminPort: expected to listen on ${host} port ${port}, got: ${String(cause)}`
    throw new ConfigError(message, { cause })
  }
}
