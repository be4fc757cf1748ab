import { setImmediate as nextTurn } from 'node:timers/promises'
import type { BlobStore, DocumentStore, JsonObject } from '../../lib/store/types.ts'
import { obey, say } from './child.ts'

/** What a test may tell another process that has the same stores open. */
export type Order =
  | { readonly is: 'count' }
  | { readonly is: 'put'; readonly text: string }
  | { readonly is: 'remake'; readonly text: string }
  | { readonly is: 'delete'; readonly digest: string }
  | { readonly is: 'keep'; readonly digest: string }
  | { readonly is: 'write'; readonly key: string; readonly value: JsonObject }
  | { readonly is: 'contend'; readonly key: string; readonly times: number }

/** What that process says. */
export type News =
  | { readonly is: 'open' }
  | { readonly is: 'done'; readonly result: string | boolean }
  | { readonly is: 'won'; readonly tags: readonly string[] }

/** Runs stores as the tests of another process say. */
export function serveStores(blobs: BlobStore, documents: DocumentStore, count: () => void): void {
  /** Writes a document whatever is there. */
  async function write(key: string, value: JsonObject): Promise<string> {
    const found = await documents.read(key)
    const tag = typeof found === 'object' ? found.tag : undefined
    const written =
      tag === undefined ? await documents.create(key, value) : await documents.swap(key, value, tag)
    return written.ok ? written.tag : ''
  }

  /** Adds one to a counter, which need not be there, again and again, each time until it wins. */
  async function contend(key: string, times: number): Promise<string[]> {
    const tags: string[] = []
    while (tags.length < times) {
      await nextTurn()
      const found = await documents.read(key)
      const written =
        typeof found === 'object'
          ? await documents.swap(key, { n: Number(found.value['n']) + 1 }, found.tag)
          : await documents.create(key, { n: 1 })
      if (written.ok) tags.push(written.tag)
    }
    return tags
  }

  obey<Order>(async (order) => {
    switch (order.is) {
      case 'count':
        return count()
      case 'put':
        return say({ is: 'done', result: await blobs.put('pictures', Buffer.from(order.text)) })
      case 'remake':
        for (let i = 0; ; i++) {
          await nextTurn() // so that the end of the test is heard whatever the stores answer
          const digest = await blobs.put('pictures', Buffer.from(`${order.text}-${i}`))
          await write('newest', { digest })
          say({ is: 'done', result: digest })
        }
      case 'delete': {
        const result = await blobs.delete('pictures', order.digest, { olderThanMs: 0 })
        return say({ is: 'done', result })
      }
      case 'keep':
        return say({ is: 'done', result: await blobs.keep(order.digest) })
      case 'write':
        return say({ is: 'done', result: await write(order.key, order.value) })
      case 'contend':
        return say({ is: 'won', tags: await contend(order.key, order.times) })
    }
  })
  say({ is: 'open' })
}
