import { expect, it } from 'vitest'
import { digestOf } from '../../lib/registry/digest.ts'
import { readErasure } from '../../lib/service/erasures.ts'
import { writeEnvelope } from '../../lib/stream/envelope.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import { bufferOf, entryOf, learnerWith } from '../learn/states.ts'
import { smallModel, storeModel } from '../support/models.ts'
import { command, onPipeline, temporaryFolder, writeState } from './support.ts'

const bytesOf = (name: string): Uint8Array => new TextEncoder().encode(name)
const idOf = (name: string): string => digestOf(bytesOf(name))
const [old, fresh, other] = ['old', 'fresh', 'other'].map(idOf) as [string, string, string]

/** A folder where no service runs: three pictures in the buffer, the first trained with. */
async function stopped(): Promise<string> {
  const folder = temporaryFolder()
  await onPipeline(folder, async (pipeline) => {
    const { blobs, stream, registry } = pipeline
    for (const name of ['old', 'fresh', 'other']) {
      const sha256 = await blobs.put('pictures', bytesOf(name))
      await blobs.keep(sha256)
      const source = name === 'other' ? 'garden' : 'camera'
      const value = writeEnvelope({ v: 1, sha256, bytes: 3, mediaType: 'image/png', source })
      await stream.send(topicNames.unlabeled, [{ value }], { deadlineMs: 1_000 })
    }
    const entries = [entryOf(old, 0), entryOf(fresh, 1), entryOf(other, 2, { source: 'garden' })]
    await writeState(pipeline, { ...learnerWith(0), buffer: bufferOf(entries, 1) })
    await storeModel(registry, smallModel(1))
    await storeModel(registry, smallModel(2, { champion: 'v1-000000000000' }))
  })
  return folder
}

const forget = (folder: string, ...args: readonly string[]) =>
  command('image', 'forget', ...args, '--data', folder, '--json')

const stored = (folder: string) =>
  onPipeline(folder, async ({ blobs }) => {
    const found = await Promise.all([old, fresh, other].map((id) => blobs.stat('pictures', id)))
    return found.map((one) => one !== undefined)
  })

it('forgets a picture at once where no service runs, and says what stays', async () => {
  const folder = await stopped()
  const { code, lines } = await forget(folder, old)
  expect([code, await stored(folder)]).toEqual([0, [false, true, true]])
  expect(lines[0]).toMatchObject({ event: 'forgotten', ids: [old] })
  const shown = await command('image', 'show', old, '--data', folder)
  expect([shown.code, String(shown.error)]).toEqual([1, expect.stringContaining('there is none')])
  const done = await onPipeline(folder, ({ documents }) => readErasure(documents, old))
  expect(Object.keys(done?.done ?? {}).sort()).toEqual(['collection', 'embed', 'learn'])
})

it('names the versions that a picture may have been trained into', async () => {
  const folder = await stopped()
  const [asked] = (await forget(folder, old)).lines
  expect(asked?.['versions']).toEqual([expect.stringMatching(/^v2-/)])
  const [later] = (await forget(folder, fresh)).lines
  expect(later?.['versions']).toEqual([])
})

it('forgets every picture of a source that is still known to be of it', async () => {
  const folder = await stopped()
  const { lines } = await forget(folder, '--source', 'camera')
  expect(new Set(lines[0]?.['ids'] as string[])).toEqual(new Set([old, fresh]))
  expect(await stored(folder)).toEqual([false, false, true])
})

it('writes the wish down and ends when it shall not wait', async () => {
  const folder = await stopped()
  const { code, lines } = await forget(folder, old, '--no-wait', '--reason', 'a letter')
  expect([code, lines[0]?.['event'], await stored(folder)]).toEqual([
    0,
    'asked',
    [true, true, true],
  ])
  const wish = await onPipeline(folder, ({ documents }) => readErasure(documents, old))
  expect(wish).toMatchObject({ why: 'a letter', done: {} })
})

it('changes nothing when it is repeated', async () => {
  const folder = await stopped()
  await forget(folder, old)
  const { code, lines } = await forget(folder, old)
  expect([code, lines[0]?.['event']]).toEqual([0, 'forgotten'])
})

it.each([
  ['no picture', []],
  ['a prefix', ['3f2a']],
  ['an id and a source', [old, '--source', 'camera']],
])('refuses %s', async (_, args) => {
  expect((await forget(temporaryFolder(), ...args)).code).toBe(2)
})
