import { setTimeout as delay } from 'node:timers/promises'
import { ConfigError } from '../../errors.ts'
import { admission } from './admission.ts'
import { isReachable } from './check-host.ts'
import { clusterNameRoutes, clusterRoutes } from './cluster-routes.ts'
import { erasedPictures } from './erased.ts'
import { forgetRoutes, imageRoutes } from './image-routes.ts'
import { modelRoutes, moveRoutes } from './model-routes.ts'
import { openApp } from './open-app.ts'
import { openApiRoutes, operationRoutes } from './operation-routes.ts'
import type { HttpParts } from './parts.ts'
import { pictureRoutes } from './picture-routes.ts'
import { releaseRoutes } from './release-routes.ts'
import { searchRoutes } from './search-routes.ts'
import { thumbnailCache } from './thumbnail-cache.ts'
import { tokenBook } from './token-book.ts'
import { watchRoutes, wishRoutes } from './watch-routes.ts'
import type { HttpApp } from './zod-types.ts'

/** Where a port listens, as a URL. */
export interface Addresses {
  readonly data: string
  readonly admin: string
}

/** Data port and admin port of a process. */
export interface HttpServer {
  /**
   * Opens both ports.
   *
   * @throws {@link ConfigError} if others could reach a port and there is no token, or if the
   * address cannot be had.
   */
  listen(): Promise<Addresses>
  /**
   * Ends: not ready at once, answering for `drainMs` all the same, then no new requests; those
   * under way may end, and connections that still hang after 5 s are cut.
   */
  close(options: { readonly drainMs: number }): Promise<void>
}

/** Requests at work, on both ports together. */
const maxRequests = 256
const cutAfterMs = 5_000

async function open(app: HttpApp, host: string, port: number, key: string): Promise<string> {
  try {
    return await app.listen({ host, port })
  } catch (cause) {
    const message = `http.${key}: expected to listen on ${host} port ${port}, got: ${String(cause)}`
    throw new ConfigError(message, { cause })
  }
}

/** Closes a port; what still hangs after a while is cut. */
async function shut(app: HttpApp): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), cutAfterMs)
  await app.close()
  clearTimeout(timer)
}

/** The HTTP server over everything that it is handed; it opens no port before `listen`. */
export async function httpServer(parts: HttpParts): Promise<HttpServer> {
  const { config, log, store, decoders, now } = parts
  const { host, port, adminHost, adminPort, names } = config.http
  const warn = (error: unknown): void => log.warn({ err: error }, 'could not read the stores')
  const door = admission({ requests: maxRequests, bytes: config.limits.queue })
  parts.metrics.onRead(() => parts.metrics.set('queue_bytes', {}, door.bytes))
  const book = tokenBook(() => store.tokens(), now, warn)
  const thumbnails = thumbnailCache(async (id) => {
    const bytes = await store.pictureBytes({ id })
    return bytes && decoders.thumbnail(bytes)
  })
  const erased = erasedPictures(() => store.erased(), thumbnails.drop, warn)
  const closing = new AbortController()
  let isDraining = false

  const rulesOf = (address: string) => ({ book, names, needsToken: isReachable(address, names) })
  const addDataRoutes = async (app: HttpApp): Promise<void> => {
    await app.register(pictureRoutes(parts))
    await app.register(searchRoutes(parts, erased))
    await app.register(releaseRoutes(parts))
    await app.register(modelRoutes(parts))
    await app.register(clusterRoutes(parts))
    await app.register(imageRoutes(parts, erased, thumbnails))
    await app.register(openApiRoutes())
  }
  const data = await openApp(parts, door, rulesOf(host))
  await addDataRoutes(data)
  const admin = await openApp(parts, door, rulesOf(adminHost))
  await addDataRoutes(admin)
  await admin.register(moveRoutes(parts))
  await admin.register(clusterNameRoutes(parts))
  await admin.register(forgetRoutes(parts, erased))
  await admin.register(watchRoutes(parts, closing.signal))
  await admin.register(wishRoutes(parts))
  await admin.register(operationRoutes(parts, () => isDraining))

  async function stop(drainMs: number): Promise<void> {
    isDraining = true
    if (drainMs > 0) await delay(drainMs)
    closing.abort()
    await Promise.all([shut(data), shut(admin)])
    book.close()
    erased.close()
  }
  function expectToken(address: string): void {
    if (!isReachable(address, names) || book.hasLive) return
    const reached = [address, ...names].join(' or ')
    throw new ConfigError(
      `http: expected a token where others reach ${reached}, there is none; \`contrastream token create\` makes one`,
    )
  }

  return {
    listen: async () => {
      try {
        await Promise.all([book.refresh(), erased.refresh()])
        for (const address of [host, adminHost]) expectToken(address)
        return {
          data: await open(data, host, port, 'port'),
          admin: await open(admin, adminHost, adminPort, 'adminPort'),
        }
      } catch (error) {
        await stop(0)
        throw error
      }
    },
    close: ({ drainMs }) => stop(drainMs),
  }
}
