import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server of objects that never change. */
export interface ObjectServer {
  readonly url: string
  close(): Promise<void>
}

/** Serves objects as S3 does to who only reads: `GET /<bucket>/<key>`. */
export async function objectServer(
  objects: ReadonlyMap<string, Uint8Array>,
): Promise<ObjectServer> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
    if (searchParams.has('list-type')) {
      response.setHeader('content-type', 'application/xml')
      response.end('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>')
      return
    }
    const found = objects.get(decodeURIComponent(pathname.slice(1)))
    if (found === undefined) {
      response.statusCode = 404
      response.end('<Error><Code>NoSuchKey</Code></Error>')
      return
    }
    response.setHeader('etag', `"${createHash('md5').update(found).digest('hex')}"`)
    response.setHeader('last-modified', new Date(0).toUTCString())
    response.end(request.method === 'HEAD' ? undefined : found)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
