import { describe, expect, it } from 'vitest'
import { errorCodes } from '../../lib/errors.ts'
import {
  type QuarantineRecord,
  readQuarantine,
  writeQuarantine,
} from '../../lib/stream/quarantine-record.ts'

const record: QuarantineRecord = {
  v: 1,
  topic: 'images.unlabeled',
  partition: 0,
  offset: 17,
  timestamp: 1_700_000_000_000,
  role: 'learn',
  code: 'IMAGE_DECODE',
  message: 'decode: expected a JPEG, got an early end',
  attempts: 1,
  firstSeen: '2026-01-02T03:04:05Z',
  lastSeen: '2026-01-02T03:04:05Z',
  programVersion: '0.1.0',
}

describe('a quarantine record', () => {
  it('is read as it was written, whatever the envelope was', () => {
    const full = { ...record, envelope: { v: 9, nonsense: [1, null] } }
    expect(readQuarantine(writeQuarantine(full))).toEqual(full)
    expect(readQuarantine(writeQuarantine(record))).toEqual(record)
  })

  it.each(errorCodes)('may carry the code %s', (code) => {
    expect(readQuarantine(writeQuarantine({ ...record, code })).code).toBe(code)
  })

  it('cuts a message that is too long', () => {
    const long = writeQuarantine({ ...record, message: 'x'.repeat(9_000) })
    expect(readQuarantine(long).message).toHaveLength(500)
  })

  it('is refused with a code that is none of ours', () => {
    const value = new TextEncoder().encode(JSON.stringify({ ...record, code: 'OOPS' }))
    expect(() => readQuarantine(value)).toThrow(expect.objectContaining({ code: 'INPUT' }))
  })
})
