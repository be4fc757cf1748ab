import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { RegistryError } from '../../lib/errors.ts'
import { type DocumentKind, keyNumber, listAll, readDocument } from '../../lib/registry/document.ts'
import { temporaryStores } from '../support/stores.ts'

const kind: DocumentKind<{ format: 1; n: number }> = {
  format: 1,
  error: RegistryError,
  schema: z.strictObject({ format: z.literal(1), n: z.int() }),
}

describe('readDocument', () => {
  it('gives the content', () => {
    expect(readDocument('doc', { format: 1, n: 2 }, kind)).toEqual({ format: 1, n: 2 })
  })

  it('refuses a newer format before it looks at anything else, and names both', () => {
    const read = (): unknown => readDocument('doc', { format: 7, whatever: true }, kind)
    expect(read).toThrow(RegistryError)
    expect(read).toThrow('doc: expected format 1 or older, got 7')
  })

  it.each([
    ['an unknown field', { format: 1, n: 2, m: 3 }, 'doc: the document: Unrecognized key: "m"'],
    ['a wrong field', { format: 1, n: 'two' }, 'doc: n: '],
    ['no document', undefined, 'doc: the document: '],
  ])('refuses %s and names it', (_, value, message) => {
    expect(() => readDocument('doc', value, kind)).toThrow(RegistryError)
    expect(() => readDocument('doc', value, kind)).toThrow(message)
  })
})

describe('keyNumber', () => {
  it('sorts as text like numbers', () => {
    const numbers = [1, 9, 10, 2 ** 53 - 1]
    expect(numbers.map(keyNumber).toSorted()).toEqual(numbers.map(keyNumber))
    expect(keyNumber(7)).toHaveLength(20)
  })
})

describe('listAll', () => {
  it('gives all keys of a prefix, more than a page of them too', async () => {
    const { documents } = temporaryStores()
    const keys = Array.from({ length: 1001 }, (_, i) => `a/${keyNumber(i)}`)
    await Promise.all([...keys, 'b/1'].map((key) => documents.create(key, { format: 1 })))
    expect(await listAll(documents, 'a/')).toEqual(keys)
  })
})
