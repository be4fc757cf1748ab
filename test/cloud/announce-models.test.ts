import { describe, expect, it } from 'vitest'
import { announceModels, type ModelPublished } from '../../lib/cloud/announce-models.ts'
import { StoreError } from '../../lib/errors.ts'
import { openRegistry } from '../../lib/registry/registry.ts'
import { quarantine } from '../../lib/service/quarantine.ts'
import { type Hint, writeHint } from '../../lib/stream/hint.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import { smallModel, storeModel } from '../support/models.ts'
import { temporaryPipeline } from '../support/stores.ts'
import { jsonOf, recordsOf } from './support.ts'

const at = '2026-03-04T05:06:07.000Z'

async function world() {
  const stores = await temporaryPipeline()
  const registry = openRegistry({ ...stores, name: 'main' })
  const { version, manifest } = await storeModel(registry, smallModel(1))
  const hint: Hint = {
    v: 1,
    name: 'main',
    channel: 'stable',
    seq: 3,
    version,
    manifestSha256: manifest,
    fence: 1,
    at,
  }
  const put: ModelPublished[] = []
  const parts = {
    blobs: stores.blobs,
    events: {
      put: async (events: readonly ModelPublished[]) => {
        put.push(...events)
        return 0
      },
    },
    quarantine: quarantine(stores.stream, topicNames.dead, 'model-published', () => 5),
  }
  const dead = async () => (await recordsOf(stores.stream, topicNames.dead)).map(jsonOf)
  return { stores, hint, parts, put, dead }
}

/** An event of the Kafka source with these values. */
function eventOf(...values: readonly (Uint8Array | undefined)[]) {
  const place = { topic: 'models.published', partition: 0, timestamp: 7 }
  const records = values.map((value, offset) => ({
    ...place,
    offset,
    headers: [],
    ...(value && { value: Buffer.from(value).toString('base64') }),
  }))
  return {
    eventSource: 'aws:kafka',
    bootstrapServers: 'b',
    records: { 'models.published-0': records },
  }
}

describe('announceModels', () => {
  it('tells the bus what the hint says, with a key of the move', async () => {
    const { hint, parts, put } = await world()
    await announceModels(parts, eventOf(writeHint(hint)))
    expect(put).toEqual([{ at, detail: { ...hint, idempotencyKey: 'main/stable/3' } }])
  })

  it('tells a rollback under another key, and a repeat under the same', async () => {
    const { hint, parts, put } = await world()
    const back = { ...hint, seq: 4 }
    await announceModels(parts, eventOf(writeHint(hint), writeHint(back), writeHint(hint)))
    const keys = put.map(({ detail }) => detail.idempotencyKey)
    expect(keys).toEqual(['main/stable/3', 'main/stable/4', 'main/stable/3'])
  })

  it('says nothing of candidates, and of keys that compaction removed', async () => {
    const { hint, parts, put, dead } = await world()
    const candidate: Hint = { ...hint, channel: 'candidate' }
    await announceModels(parts, eventOf(writeHint(candidate), undefined))
    expect(put).toEqual([])
    expect(await dead()).toEqual([])
  })

  it('sets a record aside that is no hint, and announces the others', async () => {
    const { hint, parts, put, dead } = await world()
    const counts = await announceModels(parts, eventOf(Buffer.from('nonsense'), writeHint(hint)))
    expect(counts).toEqual({ announced: 1, quarantined: 1 })
    expect(put).toHaveLength(1)
    expect((await dead())[0]).toMatchObject({ code: 'INPUT', offset: 0, role: 'model-published' })
  })

  it('sets a hint aside whose manifest is missing, another version’s or no manifest', async () => {
    const { stores, hint, parts, put, dead } = await world()
    const missing = { ...hint, manifestSha256: 'a'.repeat(64) }
    const other = { ...hint, version: `v2-${hint.manifestSha256.slice(0, 12)}` }
    const text = await stores.blobs.put('models', Buffer.from('{}'))
    const none = { ...hint, manifestSha256: text }
    await announceModels(parts, eventOf(...[missing, other, none].map(writeHint)))
    expect(put).toEqual([])
    expect((await dead()).map(({ code }) => code)).toEqual(['ARTIFACT', 'ARTIFACT', 'ARTIFACT'])
  })

  it('fails when the bus refuses an event, so that all of it comes again', async () => {
    const { hint, parts } = await world()
    const refusing = { ...parts, events: { put: async () => 1 } }
    const failing = announceModels(refusing, eventOf(writeHint(hint)))
    await expect(failing).rejects.toThrow('expected 1 events taken, 1 refused')
  })

  it('fails while the store is out of order, and sets nothing aside', async () => {
    const { hint, parts, dead } = await world()
    const get = () => Promise.reject(new StoreError('s3: no answer', { retryable: true }))
    const blobs = { ...parts.blobs, get }
    const failing = announceModels({ ...parts, blobs }, eventOf(writeHint(hint)))
    await expect(failing).rejects.toThrow('no answer')
    expect(await dead()).toEqual([])
  })

  it('refuses an event of another source', async () => {
    const { parts } = await world()
    await expect(announceModels(parts, { Records: [] })).rejects.toThrow('expected records')
  })
})
