import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { murmur2, partitionOf } from '../../lib/stream/murmur2.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('murmur2', () => {
  // Values that Apache Kafka's own client computes.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('agrees with the Java client on %s', (text, expected) => {
    expect(murmur2(bytes(text))).toBe(expected)
  })

  it('depends on every byte of the key', () => {
    void fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(39), (key, at) => {
        const changed = Uint8Array.from(key)
        const i = at % key.length
        changed[i] = (changed[i] as number) ^ 1
        return murmur2(key) !== murmur2(changed)
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})

describe('partitionOf', () => {
  it('drops the sign bit before it divides', () => {
    expect(partitionOf(bytes('21'), 7)).toBe((-973932308 & 0x7fffffff) % 7)
  })

  it('stays below the number of partitions', () => {
    void fc.assert(
      fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 64 }), (key, partitions) => {
        const partition = partitionOf(key, partitions)
        return partition >= 0 && partition < partitions
      }),
      { seed: 2, numRuns: 300 },
    )
  })
})
