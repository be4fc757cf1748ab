import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputError } from '../../lib/errors.ts'
import {
  canonicalJson,
  canonicalText,
  isSameJson,
  plainJson,
} from '../../lib/registry/canonical.ts'

describe('canonicalText', () => {
  it('sorts keys at every depth and leaves out white space and absent fields', () => {
    const value = { b: [{ z: 1, a: null }], a: 'ä', c: undefined }
    expect(canonicalText(value)).toBe('{"a":"ä","b":[{"a":null,"z":1}]}')
  })

  it('is the same for equal values, whatever the order of their keys', () => {
    const backwards = (value: unknown): unknown =>
      value !== null && typeof value === 'object' && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).reverse())
        : value
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        expect(canonicalText(backwards(value) as object)).toBe(canonicalText(value))
      }),
      { seed: 1 },
    )
  })

  it('says what JSON.parse reads back', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as unknown
        expect(JSON.parse(canonicalText(value))).toEqual(plain)
      }),
      { seed: 2 },
    )
  })

  it.each([
    ['NaN', { a: [Number.NaN] }, '$.a[0], got NaN'],
    ['a typed array', { a: new Uint8Array(2) }, '$.a, got Uint8Array'],
    ['a bigint', { a: 1n }, '$.a, got 1'],
    ['a date', { a: new Date(0) }, '$.a, got Date'],
  ])('refuses %s and names the place', (_, value, message) => {
    expect(() => canonicalText(value)).toThrow(InputError)
    expect(() => canonicalText(value)).toThrow(message)
  })
})

describe('canonicalJson', () => {
  it('is the text in UTF-8', () => {
    expect(canonicalJson({ a: 'ä' })).toEqual(new TextEncoder().encode('{"a":"ä"}'))
  })
})

describe('plainJson', () => {
  it('copies without absent fields', () => {
    const source = { a: { b: undefined, c: 1 } }
    expect(Object.keys(plainJson(source)['a'] as object)).toEqual(['c'])
  })
})

describe('isSameJson', () => {
  it('compares by content', () => {
    expect(isSameJson({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true)
    expect(isSameJson({ a: 1 }, { a: 2 })).toBe(false)
  })
})
