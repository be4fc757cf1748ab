import { describe, expect, it } from 'vitest'
import {
  type Envelope,
  maxEnvelopeBytes,
  pictureType,
  readImageRecord,
  writeEnvelope,
} from '../../lib/stream/envelope.ts'

const envelope: Envelope = {
  v: 1,
  sha256: 'ab'.repeat(32),
  bytes: 12,
  mediaType: 'image/jpeg',
  source: 'camera 3',
}
const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
const record = (value: Uint8Array, headers: Record<string, string> = {}, key?: Uint8Array) => ({
  key,
  value,
  headers,
})
const read = (value: unknown) => readImageRecord('t', record(encode(value)))
const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 1, 2)
const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0)
const webp = new TextEncoder().encode('RIFF0000WEBPVP8 ')

describe('an envelope', () => {
  it('is read as it was written', () => {
    const full: Envelope = {
      ...envelope,
      ref: { store: 'archive', key: 'a/b.jpg', versionId: '7' },
      width: 640,
      height: 480,
      capturedAt: '2026-01-02T03:04:05Z',
      eventId: 'e1',
      traceparent: '00-0-0-01',
    }
    const value = writeEnvelope(full)
    expect(readImageRecord('t', record(value))).toEqual({ kind: 'envelope', envelope: full })
  })

  it('keeps fields that a later writer has added', () => {
    expect(read({ ...envelope, later: 1 })).toMatchObject({ envelope: { later: 1 } })
  })

  it.each([
    ['another major version', { v: 2 }],
    ['no digest', { sha256: undefined }],
    ['a digest in capitals', { sha256: 'AB'.repeat(32) }],
    ['no bytes', { bytes: 0 }],
    ['no source', { source: '' }],
    ['a reference without key', { ref: { store: 's' } }],
    ['a time that is none', { capturedAt: 'yesterday' }],
  ])('with %s is malformed', (_, change) => {
    expect(() => read({ ...envelope, ...change })).toThrow(
      expect.objectContaining({ code: 'INPUT', message: expect.stringContaining('envelope: ') }),
    )
  })

  it('that is cut off is malformed', () => {
    const value = writeEnvelope(envelope)
    expect(() => readImageRecord('t', record(value.subarray(0, 30)))).toThrow(
      'envelope: expected JSON in UTF-8',
    )
  })

  it('above a kilobyte is neither written nor read', () => {
    const room = maxEnvelopeBytes - encode({ ...envelope, note: '' }).length
    const largest = encode({ ...envelope, note: 'x'.repeat(room) })
    expect(readImageRecord('t', record(largest)).kind).toBe('envelope')
    const message = 'envelope: expected at most 1024 bytes, got 1025'
    expect(() => read({ ...envelope, note: 'x'.repeat(room + 1) })).toThrow(message)
    const ref = { store: 's', key: 'ü'.repeat(500) }
    expect(() => writeEnvelope({ ...envelope, ref })).toThrow('expected at most 1024 bytes')
  })

  it('names the fields that are wrong, without their values', () => {
    const message = (() => {
      try {
        read({ ...envelope, sha256: 'secret', source: '' })
      } catch (error) {
        return (error as Error).message
      }
      return ''
    })()
    expect(message).toMatch(/sha256.*source/)
    expect(message).not.toContain('secret')
  })
})

describe('a raw picture', () => {
  it.each([
    ['image/jpeg', jpeg],
    ['image/png', png],
    ['image/webp', webp],
  ])('of type %s is told by its first bytes', (mediaType, value) => {
    expect(readImageRecord('t', record(value))).toEqual({
      kind: 'raw',
      picture: { bytes: value, mediaType, source: 't' },
    })
  })

  it('takes what its headers say', () => {
    const headers = { source: 'gate', 'captured-at': '2026-01-02T03:04:05Z', traceparent: '00-1' }
    expect(readImageRecord('t', record(jpeg, headers, Uint8Array.of(65)))).toMatchObject({
      picture: { source: 'gate', capturedAt: '2026-01-02T03:04:05Z', traceparent: '00-1' },
    })
  })

  it('names its key as source, as text or in hex, else its topic', () => {
    const sourceOf = (key?: Uint8Array) => {
      const read = readImageRecord('t', record(jpeg, {}, key))
      return read.kind === 'raw' ? read.picture.source : undefined
    }
    expect(sourceOf(new TextEncoder().encode('cam-1'))).toBe('cam-1')
    expect(sourceOf(Uint8Array.of(0xff, 0x01))).toBe('ff01')
    expect(sourceOf(new Uint8Array(0))).toBe('t')
    expect(sourceOf()).toBe('t')
  })

  it('is good in spite of a header that is wrong', () => {
    const read = readImageRecord('t', record(jpeg, { 'captured-at': 'yesterday' }))
    expect(read).toEqual({
      kind: 'raw',
      picture: { bytes: jpeg, mediaType: 'image/jpeg', source: 't' },
    })
  })
})

describe('anything else', () => {
  it.each([
    ['no bytes', new Uint8Array(0)],
    ['a GIF', new TextEncoder().encode('GIF89a')],
    ['a JSON list', new TextEncoder().encode('[1]')],
    ['a picture that is cut before its mark ends', jpeg.subarray(0, 2)],
    ['a sound in the container of WebP', new TextEncoder().encode('RIFF0000WAVEfmt ')],
  ])('such as %s is no picture', (_, value) => {
    expect(pictureType(value)).toBeUndefined()
    expect(() => readImageRecord('images', record(value))).toThrow(
      expect.objectContaining({
        code: 'IMAGE_TYPE',
        message: expect.stringContaining('record of images: expected a picture or an envelope'),
      }),
    )
  })
})
