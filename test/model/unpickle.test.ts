import { expect, it } from 'vitest'
import { ArtifactError } from '../../lib/errors.ts'
import { PickleName, type Reduce, unpickle } from '../../lib/model/unpickle.ts'
import { bytes, global, integer, pickle, unicode } from './torch-file.ts'

const noCalls: Reduce = (name) => {
  throw new ArtifactError(`called ${name}`)
}
const read = (pickled: Uint8Array, reduce = noCalls) => unpickle(pickled, 0, reduce).value

it('reads numbers, truth values, text and nothing', () => {
  const float = new Uint8Array(new Float64Array([0.5]).buffer).reverse()
  const list = pickle(
    '](',
    'K',
    7,
    'M',
    1,
    2,
    integer(-3),
    'G',
    float,
    0x88,
    0x89,
    unicode('é'),
    'Ne',
  )
  expect(read(list)).toEqual([7, 513, -3, 0.5, true, false, 'é', null])
})

it('reads long integers with their sign', () => {
  expect(read(pickle(0x8a, 2, 0xff, 0x7f))).toBe(32767n)
  expect(read(pickle(0x8a, 1, 0xff))).toBe(-1n)
  expect(read(pickle(0x8a, 0))).toBe(0n)
})

it('reads tuples of every length in their order', () => {
  const tuples = pickle(
    '](',
    ')',
    'K',
    1,
    0x85,
    'K',
    1,
    'K',
    2,
    0x86,
    'K',
    1,
    'K',
    2,
    'K',
    3,
    0x87,
    '(K',
    4,
    't',
    'e',
  )
  expect(read(tuples)).toEqual([[], [1], [1, 2], [1, 2, 3], [4]])
})

it('reads dictionaries item by item and in one go', () => {
  const dictionary = pickle('}', unicode('a'), 'K', 1, 's(', unicode('b'), 'K', 2, 'u')
  expect(read(dictionary)).toEqual(
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
  )
})

it('gives back what it memorised', () => {
  expect(read(pickle('](', unicode('a'), 'q', 0, 'h', 0, 'e'))).toEqual(['a', 'a'])
  expect(read(pickle(']K', 5, 'r', bytes(1, 0, 0, 0), 'aj', bytes(1, 0, 0, 0), 'a'))).toEqual([
    5, 5,
  ])
})

it('keeps names and references as data', () => {
  expect(read(pickle(global('os', 'system')))).toEqual(new PickleName('os.system'))
  expect(read(pickle(unicode('there'), 'Q'))).toEqual({ reference: 'there' })
})

it('leaves every call to the reader', () => {
  const call = pickle(global('os', 'system'), unicode('rm'), 0x85, 'R')
  expect(() => read(call)).toThrow('called os.system')
  expect(read(call, (name, args) => [name, ...args])).toEqual(['os.system', 'rm'])
})

it('says where the next pickle begins', () => {
  const two = bytes(pickle('K', 1), pickle('K', 2))
  const { end } = unpickle(two, 0, noCalls)
  expect(unpickle(two, end, noCalls).value).toBe(2)
})

it.each([
  ['another protocol', bytes(0x80, 4, 'N.'), 'a pickle of protocol 2'],
  ['an opcode that makes objects', pickle(global('a', 'b'), ')', 0x81), 'got 0x81'],
  ['an opcode that looks a class up', pickle('(', unicode('x'), 'i'), 'got 0x69'],
  ['an opcode of an extension', pickle(0x82, 1), 'got 0x82'],
  ['an empty stack', pickle(), 'a value on the stack'],
  ['a mark as a value', pickle('(', 0x85), 'a value on the stack'],
  ['a list without a mark', pickle(']N', 'e'), 'a mark on the stack'],
  ['an unknown memo', pickle('h', 9), 'memo 9'],
  ['items for a list', pickle('](', unicode('a'), 'Nu'), 'a dictionary and pairs'],
  ['a key without a value', pickle('}(', unicode('a'), 'u'), 'a dictionary and pairs'],
  ['an item for a dictionary', pickle('}', 'Na'), 'a list'],
  ['a call of data', pickle(unicode('f'), ')R'), 'a name and a tuple'],
  ['two values', pickle('NN'), 'one value'],
  ['text that is not UTF-8', pickle('X', bytes(1, 0, 0, 0, 0xff)), 'UTF-8 text'],
  ['text longer than the file', pickle('X', bytes(0xff, 0xff, 0xff, 0x7f)), 'the end'],
  ['a name without an end', pickle('c', 'x'.repeat(300)), 'a line of 200 bytes'],
  ['no end', bytes(0x80, 2, 'N'), 'the end'],
])('refuses %s', (_, pickled, message) => {
  expect(() => read(pickled)).toThrow(ArtifactError)
  expect(() => read(pickled)).toThrow(message)
})
