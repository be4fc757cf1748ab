import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ArtifactError } from '../../lib/errors.ts'
import { readTorchWeights } from '../../lib/model/torch-weights.ts'
import {
  bytes,
  global,
  integer,
  pickle,
  preamble,
  stateDictionary,
  storages,
  torchFile,
  unicode,
} from './torch-file.ts'

const sixNumbers = Float32Array.from([1, 2, 3, 4, 5, 6])
const weights = {
  'a.weight': { shape: [2, 3], stored: sixNumbers },
  'a.bias': { shape: [2], stored: Float32Array.from([7, 8]) },
}

it('reads tensors by name, in the order of the file', () => {
  const tensors = readTorchWeights(torchFile(weights))
  expect([...tensors.keys()]).toEqual(['a.weight', 'a.bias'])
  expect(tensors.get('a.weight')).toEqual({ shape: [2, 3], data: sixNumbers })
})

it('puts transposed tensors into row-major order', () => {
  const transposed = { t: { shape: [3, 2], strides: [1, 3], stored: sixNumbers } }
  expect(readTorchWeights(torchFile(transposed)).get('t')?.data).toEqual(
    Float32Array.from([1, 4, 2, 5, 3, 6]),
  )
})

it('reads views of one storage, scalars and empty tensors', () => {
  const tensors = readTorchWeights(
    torchFile({
      whole: { shape: [3], stored: sixNumbers.slice(0, 3), storage: 's' },
      tail: { shape: [2], stored: sixNumbers.slice(0, 3), storage: 's', offset: 1 },
      scalar: { shape: [], stored: Float32Array.from([9]) },
      empty: { shape: [0, 4], stored: new Float32Array(0) },
    }),
  )
  expect(tensors.get('tail')?.data).toEqual(Float32Array.from([2, 3]))
  expect(tensors.get('scalar')).toEqual({ shape: [], data: Float32Array.from([9]) })
  expect(tensors.get('empty')?.data).toHaveLength(0)
})

it('does not depend on where the file lies in memory', () => {
  const file = torchFile(weights)
  const shifted = bytes(0, file).subarray(1)
  expect(readTorchWeights(shifted)).toEqual(readTorchWeights(file))
  expect(readTorchWeights(Buffer.from(file))).toEqual(readTorchWeights(file))
})

const oneTensor = (tensor: Parameters<typeof torchFile>[0][string]) => torchFile({ t: tensor })
const calling = (...call: readonly (number | string | Uint8Array)[]) =>
  bytes(preamble, pickle(...call), storages({}))

it.each([
  ['no file', new Uint8Array(0), 'the end'],
  ['a zip file of the new format', bytes('PK', 3, 4), 'a pickle of protocol 2'],
  ['another magic number', pickle('K', 1), 'a torch file of the old format'],
  [
    'a call of another function',
    calling(global('os', 'system'), unicode('ls'), 0x85, 'R'),
    'a call of os.system',
  ],
  ['a state that is no dictionary', calling('N'), 'a state dictionary'],
  ['a number in the state', calling('}', unicode('a'), 'K', 1, 's'), 'named tensors'],
  [
    'more numbers than are stored',
    oneTensor({ shape: [7], stored: sixNumbers }),
    'inside storage t',
  ],
  [
    'an offset beyond its storage',
    oneTensor({ shape: [2], stored: sixNumbers, offset: 5 }),
    'inside storage t',
  ],
  [
    'a stride beyond its storage',
    oneTensor({ shape: [2], strides: [6], stored: sixNumbers }),
    'inside storage t',
  ],
  [
    'a stride of zero that multiplies',
    oneTensor({ shape: [2 ** 30], strides: [0], stored: sixNumbers }),
    'inside storage t',
  ],
  [
    'a negative stride',
    oneTensor({ shape: [2], strides: [-1], stored: sixNumbers, offset: 3 }),
    'a tensor of counts',
  ],
  [
    'strides of another rank',
    oneTensor({ shape: [2], strides: [1, 1], stored: sixNumbers }),
    '1 strides',
  ],
  ['trailing bytes', bytes(torchFile(weights), 0), 'the file to end'],
  [
    'many views of one storage',
    torchFile(
      Object.fromEntries(
        Array.from({ length: 300 }, (_, i) => [
          `t${i}`,
          { shape: [20_000], stored: new Float32Array(20_000), storage: 's' },
        ]),
      ),
    ),
    'numbers, got more',
  ],
])('refuses %s', (_, file, message) => {
  expect(() => readTorchWeights(file)).toThrow(ArtifactError)
  expect(() => readTorchWeights(file)).toThrow(message)
})

it('refuses a storage of another length than declared, one twice, and one that is missing', () => {
  const state = pickle(stateDictionary({ t: { shape: [2], stored: sixNumbers.slice(0, 2) } }))
  const file = (tail: Uint8Array) => () => readTorchWeights(bytes(preamble, state, tail))
  expect(file(storages({ t: { shape: [3], stored: sixNumbers } }))).toThrow('2 numbers, got 6')
  expect(file(pickle('](', unicode('t'), unicode('t'), 'e'))).toThrow('the length of a storage')
  expect(file(storages({ other: { shape: [6], stored: sixNumbers } }))).toThrow('each storage once')
  expect(file(storages({}))).toThrow('a file without it')
})

it('refuses types that are no numbers of a network', () => {
  const reference = [
    unicode('storage'),
    global('torch', 'ByteStorage'),
    unicode('k'),
    unicode('cpu'),
  ]
  const call = calling(
    global('torch._utils', '_rebuild_tensor_v2'),
    '((',
    ...reference,
    integer(1),
    'Nt',
    'Q',
    integer(0),
    '))',
    'tR',
  )
  expect(() => readTorchWeights(call)).toThrow('got torch.ByteStorage')
})

it('refuses every truncation of a file', () => {
  const file = torchFile(weights)
  for (let length = 0; length < file.length; length += 1) {
    expect(() => readTorchWeights(file.subarray(0, length))).toThrow(ArtifactError)
  }
})

it('answers damaged bytes with weights or an ArtifactError, nothing else', () => {
  const file = torchFile(weights)
  const damage = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), {
    minLength: 1,
    maxLength: 4,
  })
  fc.assert(
    fc.property(damage, (changes) => {
      const damaged = file.slice()
      for (const [at, value] of changes) damaged[at] = value
      try {
        for (const { shape, data } of readTorchWeights(damaged).values()) {
          expect(data).toHaveLength(shape.reduce((a, b) => a * b, 1))
        }
      } catch (error) {
        expect(error).toBeInstanceOf(ArtifactError)
      }
    }),
    { seed: 1, numRuns: 3000 },
  )
})
