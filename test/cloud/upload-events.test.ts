import { describe, expect, it } from 'vitest'
import { readUploadEvent } from '../../lib/cloud/upload-events.ts'
import { uploadEvent } from './support.ts'

describe('readUploadEvent', () => {
  it('tells bucket, key, size and time of each object', () => {
    const body = uploadEvent([{ bucket: 'uploads', key: 'a.png', size: 7 }])
    expect(readUploadEvent(body)).toEqual([
      { bucket: 'uploads', key: 'a.png', bytes: 7, at: Date.parse('2026-03-04T05:06:07.000Z') },
    ])
  })

  it('decodes keys, in which a space is a plus', () => {
    const body = uploadEvent([{ key: 'our+cats/m%C3%BCde+%2B+wach.png' }])
    expect(readUploadEvent(body)[0]?.key).toBe('our cats/müde + wach.png')
  })

  it('finds nothing in the test event that S3 sends once', () => {
    expect(readUploadEvent(JSON.stringify({ Event: 's3:TestEvent', Bucket: 'b' }))).toEqual([])
  })

  it('refuses text that is not JSON, events of others, and keys that do not decode', () => {
    expect(() => readUploadEvent('hello')).toThrow('expected JSON')
    expect(() => readUploadEvent('{"Records":[{"Sns":{}}]}')).toThrow('expected an event of S3')
    expect(() => readUploadEvent(uploadEvent([{ key: '%E0%A4%A' }]))).toThrow('encoded key')
  })
})
