import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CheckpointError, InputError } from '../../lib/errors.ts'
import { decodePart, encodePart, type PartArray, type PartContent } from '../../lib/learn/parts.ts'
import type { JsonObject } from '../../lib/store/types.ts'

const part: PartContent = {
  json: { k: 3, name: 'ä', nested: [1, { a: null }] },
  arrays: {
    u8: Uint8Array.of(1, 2, 255),
    f32: Float32Array.of(1.5, Number.NaN, Number.NEGATIVE_INFINITY),
    i64: BigInt64Array.of(-1n, 2n ** 62n),
    empty: new Float64Array(),
  },
}

/** A part with this header text and these data. */
function crafted(header: string, data: number): Uint8Array {
  const text = new TextEncoder().encode(header)
  const bytes = new Uint8Array(8 + text.length + data)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true)
  bytes.set(text, 8)
  return bytes
}

const metadata = '"__metadata__":{"json":"{}"}'
const entry = (name: string, dtype: string, length: number, begin: number, end: number): string =>
  `"${name}":{"dtype":"${dtype}","shape":[${length}],"data_offsets":[${begin},${end}]}`

const arrays: fc.Arbitrary<PartArray> = fc.oneof(
  fc.float64Array(),
  fc.float32Array(),
  fc.bigInt64Array(),
  fc.bigUint64Array(),
  fc.int32Array(),
  fc.uint32Array(),
  fc.int16Array(),
  fc.uint16Array(),
  fc.int8Array(),
  fc.uint8Array(),
)
const parts: fc.Arbitrary<PartContent> = fc.record({
  json: fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<JsonObject>,
  arrays: fc.dictionary(fc.string(), arrays),
})

describe('encodePart and decodePart', () => {
  it('give back what was put in', () => {
    expect(decodePart(encodePart(part))).toEqual(part)
  })

  it('give back any part, at any offset of the bytes', () => {
    fc.assert(
      fc.property(parts, fc.nat(7), (content, shift) => {
        const bytes = encodePart(content)
        const shifted = new Uint8Array(bytes.length + shift).subarray(shift)
        shifted.set(bytes)
        const back = decodePart(shifted)
        expect(back.arrays).toEqual(content.arrays)
        expect(encodePart(back)).toEqual(bytes)
      }),
      { seed: 3 },
    )
  })
})

describe('encodePart', () => {
  it('gives equal bytes for equal content, whatever the order of names', () => {
    const backwards = {
      json: Object.fromEntries(Object.entries(part.json).reverse()),
      arrays: Object.fromEntries(Object.entries(part.arrays).reverse()),
    }
    expect(encodePart(backwards)).toEqual(encodePart(part))
  })

  it('has the layout of safetensors, with aligned data', () => {
    const bytes = encodePart(part)
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true))
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
    expect((8 + length) % 8).toBe(0)
    expect(header.f32).toEqual({ dtype: 'F32', shape: [3], data_offsets: [16, 28] })
    expect(bytes).toHaveLength(8 + length + 16 + 12 + 3)
    expect(JSON.parse(header.__metadata__.json)).toEqual(part.json)
  })

  it('writes only the numbers that a view shows', () => {
    const view = Float32Array.of(1, 2, 3, 4).subarray(1, 3)
    const back = decodePart(encodePart({ json: {}, arrays: { view } }))
    expect(back.arrays).toEqual({ view: Float32Array.of(2, 3) })
  })

  it('refuses the reserved name', () => {
    const reserved = { json: {}, arrays: { __metadata__: new Uint8Array() } }
    expect(() => encodePart(reserved)).toThrow(InputError)
  })
})

describe('decodePart', () => {
  it('shares nothing with the bytes', () => {
    const bytes = encodePart(part)
    const back = decodePart(bytes)
    bytes.fill(0)
    expect(back).toEqual(part)
  })

  it.each([
    ['no bytes', new Uint8Array()],
    ['a length without a header', new Uint8Array(8)],
    ['a header longer than the part', crafted(`{${metadata}}`, 0).subarray(0, 20)],
    ['a length beyond all bounds', new Uint8Array(16).fill(0xff)],
    ['a header that is no JSON', crafted('{', 0)],
    ['a header that is no object', crafted('[]', 0)],
    ['no metadata', crafted('{}', 0)],
    ['metadata that are no JSON', crafted('{"__metadata__":{"json":"{"}}', 0)],
    ['metadata that are no object', crafted('{"__metadata__":{"json":"[]"}}', 0)],
    ['an unknown kind', crafted(`{${metadata},${entry('a', 'F16', 1, 0, 2)}}`, 2)],
    ['an inherited kind', crafted(`{${metadata},${entry('a', 'toString', 0, 0, 0)}}`, 0)],
    ['a size that the shape denies', crafted(`{${metadata},${entry('a', 'F32', 2, 0, 4)}}`, 4)],
    ['an end beyond the part', crafted(`{${metadata},${entry('a', 'U8', 5, 0, 5)}}`, 4)],
    ['bytes that nobody owns', crafted(`{${metadata},${entry('a', 'U8', 4, 0, 4)}}`, 5)],
    [
      'a gap',
      crafted(`{${metadata},${entry('a', 'U8', 1, 0, 1)},${entry('b', 'U8', 1, 2, 3)}}`, 3),
    ],
    [
      'an overlap',
      crafted(`{${metadata},${entry('a', 'U8', 2, 0, 2)},${entry('b', 'U8', 2, 1, 3)}}`, 3),
    ],
    ['a negative offset', crafted(`{${metadata},${entry('a', 'U8', 1, -1, 0)}}`, 0)],
    ['a fraction', crafted(`{${metadata},${entry('a', 'U8', 0.5, 0, 0.5)}}`, 1)],
    ['an unknown field', crafted(`{${metadata},"a":{"dtype":"U8","shape":[0]}}`, 0)],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodePart(bytes)).toThrow(CheckpointError)
  })

  it('answers any mutated part with a part or a CheckpointError', () => {
    const bytes = encodePart(part)
    const mutation = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1 })
    fc.assert(
      fc.property(mutation, fc.nat(bytes.length), (changes, cut) => {
        const mutated = bytes.slice(0, cut === 0 ? bytes.length : cut)
        for (const [at, value] of changes) if (at < mutated.length) mutated[at] = value
        expectPartOrRefusal(mutated)
      }),
      { seed: 4, numRuns: 3000 },
    )
  })

  it('answers any bytes behind any header with a part or a CheckpointError', () => {
    const offsets = fc.tuple(fc.integer({ min: -2, max: 20 }), fc.integer({ min: -2, max: 20 }))
    const names = fc.constantFrom('a', 'b', '__proto__', 'constructor')
    const fields = fc.record({
      dtype: fc.constantFrom('F64', 'F32', 'U8', 'I16', 'X'),
      shape: fc.array(fc.integer({ min: -1, max: 20 }), { maxLength: 2 }),
      data_offsets: offsets,
    })
    fc.assert(
      fc.property(fc.dictionary(names, fields), fc.nat(24), (header, data) => {
        const text = JSON.stringify({ ...header, __metadata__: { json: '{}' } })
        expectPartOrRefusal(crafted(text, data))
      }),
      { seed: 5, numRuns: 3000 },
    )
  })
})

function expectPartOrRefusal(bytes: Uint8Array): void {
  try {
    const { arrays } = decodePart(bytes)
    const sizes = Object.values(arrays).map(({ byteLength }) => byteLength)
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(bytes.length)
  } catch (error) {
    expect(error).toBeInstanceOf(CheckpointError)
  }
}
