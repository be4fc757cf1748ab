import { describe, expect, it } from 'vitest'
import { StreamError } from '../../lib/errors.ts'
import { announce } from '../../lib/registry/announce.ts'
import type { ChannelState } from '../../lib/registry/channel-document.ts'
import { readHint } from '../../lib/stream/hint.ts'
import type { OutRecord, StreamPort } from '../../lib/stream/types.ts'
import { move } from '../support/models.ts'
import { temporaryPipeline, temporaryStores } from '../support/stores.ts'

const state: ChannelState = {
  format: 1,
  channel: 'stable',
  seq: 4,
  version: 'v3-0123456789ab',
  manifest: '0123456789ab'.padEnd(64, '0'),
  generation: 'g',
  pinned: false,
  approved: false,
  fence: 2,
  move,
}

describe('announce', () => {
  it('sends what readers need, under the key of pipeline and channel', async () => {
    const sent: OutRecord[] = []
    const stores = await temporaryPipeline()
    const stream: StreamPort = {
      ...stores.stream,
      send: (topic, records, options) => {
        sent.push(...records)
        return stores.stream.send(topic, records, options)
      },
    }
    await announce(stream, 'main', state)
    expect(new TextDecoder().decode(sent[0]?.key)).toBe('main/stable')
    expect(readHint(sent[0]?.value ?? new Uint8Array())).toEqual({
      v: 1,
      name: 'main',
      channel: 'stable',
      seq: 4,
      version: state.version,
      generation: 'g',
      manifestSha256: state.manifest,
      fence: 2,
      at: '1970-01-01T00:00:00.001Z',
    })
    const marks = await stores.stream.watermarks('models.published')
    expect(marks.map(({ high }) => high)).toEqual([1])
  })

  it('fails, to be tried again, when the hint is not known to be stored', async () => {
    const { stream } = temporaryStores()
    const unsure: StreamPort = {
      ...stream,
      send: async () => [{ outcome: 'unknown', reason: 'deadline' }],
    }
    const sending = announce(unsure, 'main', state)
    await expect(sending).rejects.toThrow(StreamError)
    await expect(sending).rejects.toMatchObject({ retryable: true })
    await expect(sending).rejects.toThrow('got unknown (deadline)')
  })
})
