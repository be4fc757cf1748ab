/** Writes weight files in torch's old format, as far as the tests need them. */

/** A tensor to be written; strides default to row-major. */
export interface WrittenTensor {
  readonly shape: readonly number[]
  readonly stored: Float32Array
  readonly strides?: readonly number[]
  readonly offset?: number
  /** Share the storage of this name. Default: one of its own. */
  readonly storage?: string
}

const text = new TextEncoder()

/** Bytes of opcodes, numbers and texts in a row. */
export const bytes = (...parts: readonly (number | string | Uint8Array)[]): Uint8Array =>
  Uint8Array.from(
    parts.flatMap((part) => {
      if (typeof part === 'number') return [part]
      return [...(typeof part === 'string' ? text.encode(part) : part)]
    }),
  )

const uint32 = (value: number): Uint8Array => new Uint8Array(new Uint32Array([value]).buffer)

/** BININT, BINUNICODE, GLOBAL and a tuple of numbers. */
export const integer = (value: number): Uint8Array => bytes('J', uint32(value))
export const unicode = (value: string): Uint8Array =>
  bytes('X', uint32(text.encode(value).length), value)
export const global = (module: string, name: string): Uint8Array => bytes(`c${module}\n${name}\n`)
const counts = (values: readonly number[]): Uint8Array => bytes('(', ...values.map(integer), 't')

/** A whole pickle of protocol 2 around opcodes that leave one value. */
export const pickle = (...parts: readonly (number | string | Uint8Array)[]): Uint8Array =>
  bytes(0x80, 2, ...parts, '.')

const rowMajor = (shape: readonly number[]): number[] =>
  shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1))

function rebuilt(name: string, tensor: WrittenTensor): Uint8Array {
  const { shape, stored, strides = rowMajor(shape), offset = 0, storage = name } = tensor
  const reference = bytes(
    '(',
    unicode('storage'),
    global('torch', 'FloatStorage'),
    unicode(storage),
    unicode('cpu'),
    integer(stored.length),
    'Nt',
    'Q',
  )
  const hooks = bytes(global('collections', 'OrderedDict'), ')R')
  return bytes(
    global('torch._utils', '_rebuild_tensor_v2'),
    '(',
    reference,
    integer(offset),
    counts(shape),
    counts(strides),
    0x89, // requires no gradient
    hooks,
    'tR',
  )
}

/** The three pickles that every file of the format begins with. */
export const preamble: Uint8Array = bytes(
  pickle(0x8a, 10, Uint8Array.from([0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19])),
  pickle('M', 0xe9, 0x03),
  pickle('}(', unicode('protocol_version'), 'M', 0xe9, 0x03, unicode('little_endian'), 0x88, 'u'),
)

/** Opcodes of a state dictionary. */
export const stateDictionary = (tensors: Readonly<Record<string, WrittenTensor>>): Uint8Array =>
  bytes(
    global('collections', 'OrderedDict'),
    ')R(',
    ...Object.entries(tensors).flatMap(([name, tensor]) => [unicode(name), rebuilt(name, tensor)]),
    'u',
    // What torch writes besides: the versions of the modules, an attribute of the dictionary.
    '}',
    unicode('_metadata'),
    '}sb',
  )

/** Keys and raw storages, in the order of the names. */
export function storages(tensors: Readonly<Record<string, WrittenTensor>>): Uint8Array {
  const stored = new Map(
    Object.entries(tensors).map(([name, { storage = name, stored }]) => [storage, stored]),
  )
  const raw = [...stored.values()].flatMap((numbers) => [
    new Uint8Array(new BigInt64Array([BigInt(numbers.length)]).buffer),
    new Uint8Array(numbers.slice().buffer),
  ])
  return bytes(pickle('](', ...[...stored.keys()].map(unicode), 'e'), ...raw)
}

/** A whole weight file. */
export const torchFile = (tensors: Readonly<Record<string, WrittenTensor>>): Uint8Array =>
  bytes(preamble, pickle(stateDictionary(tensors)), storages(tensors))
