import { deepEqual, ok } from 'node:assert/strict'
import { digestOf } from '../../../lib/registry/digest.ts'
import type { Ports } from './place.ts'
import type { WritePath } from './writing.ts'

const hourMs = 3_600_000
const bytesOf = (text: string): Uint8Array => Buffer.from(text)
const old = bytesOf('a picture that is put again and again')

/** What anyone can see of a picture. */
async function seen({ blobs }: Ports, bytes: Uint8Array): Promise<string> {
  const digest = digestOf(bytes)
  const info = await blobs.stat('pictures', digest)
  const found = await blobs.get('pictures', digest, { maxBytes: bytes.length })
  if (info === undefined || found === undefined) return 'absent'
  deepEqual(Buffer.from(found), Buffer.from(bytes), 'a part of a blob')
  return `${info.kept ? 'kept' : 'there'}, ${info.ageMs < 12 * hourMs ? 'young' : 'old'}`
}

interface Step {
  readonly picture: Uint8Array
  readonly before: string
  readonly after: string
  run(ports: Ports): Promise<unknown>
}

function steps(turn: number): readonly Step[] {
  const fresh = bytesOf(`picture ${turn}`)
  const digest = digestOf(fresh)
  return [
    {
      ...{ picture: old, before: 'there, old', after: 'there, young' },
      run: ({ blobs }) => blobs.put('pictures', old),
    },
    {
      ...{ picture: fresh, before: 'absent', after: 'there, young' },
      run: ({ blobs }) => blobs.put('pictures', fresh),
    },
    {
      ...{ picture: fresh, before: 'there, young', after: 'kept, young' },
      run: async ({ blobs }) => ok(await blobs.keep(digest), 'keep of what is there'),
    },
    {
      ...{ picture: fresh, before: 'kept, young', after: 'there, young' },
      run: ({ blobs }) => blobs.unkeep(digest),
    },
    {
      ...{ picture: fresh, before: 'there, young', after: 'absent' },
      run: ({ blobs }) => blobs.delete('pictures', digest, { olderThanMs: 0 }),
    },
  ]
}

/** Put, put of what is old, keep, unkeep and delete: each takes effect whole or not at all. */
export const blob: WritePath = {
  name: 'blob',
  begin: async ({ blobs }) => {
    await blobs.put('pictures', old)
    let left: readonly Step[] = []
    let turn = 0
    return {
      everyMs: 13 * hourMs,
      run: async (ports) => {
        turn += 1
        left = steps(turn)
        while (left[0] !== undefined) {
          await left[0].run(ports)
          left = left.slice(1)
        }
      },
      recover: async (ports) => {
        const [failed, ...rest] = left
        if (failed === undefined) {
          deepEqual(await seen(ports, bytesOf(`picture ${turn}`)), 'absent')
        } else {
          const present = await seen(ports, failed.picture)
          ok([failed.before, failed.after].includes(present), `${failed.before} → ${present}`)
          for (const step of [failed, ...rest]) {
            await step.run(ports)
            deepEqual(await seen(ports, step.picture), step.after)
          }
        }
        deepEqual(await seen(ports, old), 'there, young')
      },
    }
  },
}
