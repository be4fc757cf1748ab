import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ArtifactError, ShapeError } from '../../lib/errors.ts'
import { type Block, blockBytes, decodeBlock, encodeBlock } from '../../lib/search/block.ts'
import { idOf, pictures, unitRows } from './support.ts'

function blockOf(rows: number, dim: number, seed = 1): Block {
  const { ids, vectors } = pictures(unitRows(rows, dim, seed))
  return { ids, vectors, times: Float64Array.from(ids, (_, i) => 1_700_000_000_000 + i) }
}

describe('encodeBlock', () => {
  it('is undone by decodeBlock, wherever the bytes lie', () => {
    const sizes = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 9 }))
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 7 }), ([rows, dim], shift) => {
        const block = blockOf(rows, dim, rows + 1)
        const bytes = encodeBlock(block)
        expect(bytes.length).toBe(blockBytes(rows, dim))
        const moved = new Uint8Array(bytes.length + shift)
        moved.set(bytes, shift)
        expect(decodeBlock(moved.subarray(shift))).toEqual(block)
      }),
    )
  })

  it('refuses parts that do not fit, and more rows than a block has', () => {
    const block = blockOf(3, 2)
    expect(() => encodeBlock({ ...block, ids: block.ids.slice(1) })).toThrow(ShapeError)
    const ids = Array.from({ length: 8_193 }, (_, i) => idOf(i))
    const vectors = { rows: 8_193, dim: 1, data: new Float32Array(8_193) }
    expect(() => encodeBlock({ ids, vectors, times: new Float64Array(8_193) })).toThrow(
      'encodeBlock: expected at most 8192 ids, times and vectors alike, got 8193, 8193 and [8193, 1]',
    )
  })
})

describe('decodeBlock', () => {
  it('says what it expected of bytes that are no block', () => {
    const bytes = encodeBlock(blockOf(2, 3))
    const changed = (at: number, value: number) => Uint8Array.from(bytes).fill(value, at, at + 1)
    const nan = Uint8Array.from(bytes)
    nan.set([0, 0, 0xc0, 0x7f], bytes.length - 4)
    const twice = Uint8Array.from(bytes)
    twice.copyWithin(48, 16, 48)
    const read = (from: Uint8Array) => () => decodeBlock(from)
    expect(read(bytes.subarray(0, 9))).toThrow('block: expected 16 bytes or more, got 9')
    expect(read(changed(0, 0))).toThrow('block: expected a block, got other bytes')
    expect(read(changed(4, 2))).toThrow('block: expected format 1, got format 2')
    expect(read(changed(8, 3))).toThrow('block: expected 172 bytes for [3, 3], got 120')
    expect(read(changed(11, 255))).toThrow(/expected at most 8192 rows/)
    expect(read(changed(12, 0))).toThrow(/rows of 1 to 65536 numbers, got \[2, 0\]/)
    expect(read(nan)).toThrow('block: expected finite numbers, got one that is not')
    expect(read(twice)).toThrow('block: expected each id once, got one that is there twice')
  })

  it('answers any bytes with a sound block or an ArtifactError', () => {
    const bytes = encodeBlock(blockOf(5, 3))
    const mutation = fc.record({
      length: fc.integer({ min: 0, max: bytes.length + 8 }),
      changes: fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 4 }),
    })
    fc.assert(
      fc.property(mutation, ({ length, changes }) => {
        const mutated = new Uint8Array(length)
        mutated.set(bytes.subarray(0, length))
        for (const [at, value] of changes) if (at < length) mutated[at] = value
        try {
          const { ids, times, vectors } = decodeBlock(mutated)
          expect([times.length, vectors.rows]).toEqual([ids.length, ids.length])
          expect(vectors.data.length).toBe(vectors.rows * vectors.dim)
          expect(vectors.data.every(Number.isFinite)).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(ArtifactError)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
