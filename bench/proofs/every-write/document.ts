import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Found, JsonObject, Tag } from '../../../lib/store/types.ts'
import type { Ports } from './place.ts'
import type { WritePath } from './writing.ts'

/** What a document is after so many of the steps; after the last one it is gone. */
const values: readonly JsonObject[] = [{ n: 1 }, { n: 2 }, { n: 2, same: 'again' }]

/** Create, swap, swap and remove, all by one writer: nobody else can win. */
export const document: WritePath = {
  name: 'document',
  begin: async () => {
    let turn = 0
    let done = 0
    const tags = new Set<Tag>()
    const read = async ({ documents }: Ports): Promise<Found | undefined> =>
      (await documents.read(`proof/${turn}`)) as Found | undefined
    /** What a document is after so many steps. */
    const after = (count: number) => (count === 0 ? undefined : values[count - 1])

    async function step({ documents }: Ports, tag: Tag): Promise<Tag> {
      const key = `proof/${turn}`
      if (done === values.length) {
        const isRemoved = await documents.remove(key, tag)
        // Where the way sends it twice, the second answer is that it is gone: no nonce tells whose.
        ok(isRemoved || (await documents.read(key)) === undefined, 'a remove of what is there')
        return ''
      }
      const value = values[done] as JsonObject
      const write = await (done === 0
        ? documents.create(key, value)
        : documents.swap(key, value, tag))
      ok(write.ok, 'a writer without a rival lost')
      ok(!tags.has(write.tag), 'a tag came back')
      tags.add(write.tag)
      return write.tag
    }

    return {
      run: async (ports) => {
        turn += 1
        done = 0
        for (let tag = ''; done <= values.length; done += 1) tag = await step(ports, tag)
      },
      recover: async (ports) => {
        const present = await read(ports)
        const isDone = JSON.stringify(present?.value) === JSON.stringify(after(done + 1))
        if (!isDone) deepEqual(present?.value, after(done > values.length ? 0 : done))
        if (isDone && done <= values.length) done += 1
        for (let tag = present?.tag ?? ''; done <= values.length; done += 1) {
          tag = await step(ports, tag)
        }
        equal(await read(ports), undefined)
        deepEqual(await ports.documents.list('proof/'), [])
      },
    }
  },
}
