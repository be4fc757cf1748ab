import { ArtifactError } from '../errors.ts'
import { PickleName, type PickleValue, type Reduce, unpickle } from './unpickle.ts'

/** A float tensor of a torch file. */
export interface TorchTensor {
  readonly shape: readonly number[]
  /** Row-major, whatever the strides in the file. */
  readonly data: Float32Array
}

/** First pickle of every file of this format, and its version in the second. */
const magic = 0x1950a86a20f9469cfc6cn
const protocol = 1001
const storages: Readonly<Record<string, { readonly bytes: number; readonly float: boolean }>> = {
  'torch.FloatStorage': { bytes: 4, float: true },
  'torch.LongStorage': { bytes: 8, float: false },
}
const maxRank = 8

interface Storage {
  readonly key: string
  readonly type: string
  readonly length: number
}

/** A view of a storage, as the state dictionary describes it. */
interface TensorView {
  readonly storage: Storage
  readonly offset: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
}

function fail(expected: string, got: string): never {
  throw new ArtifactError(`readTorchWeights: expected ${expected}, got ${got}`)
}

const isCount = (value: PickleValue | undefined): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0

const isCounts = (value: PickleValue | undefined): value is number[] =>
  Array.isArray(value) && value.length <= maxRank && value.every(isCount)

function storageOf(value: PickleValue | undefined): Storage {
  const reference =
    value !== null && typeof value === 'object' && 'reference' in value
      ? value.reference
      : undefined
  if (!Array.isArray(reference)) return fail('a storage', typeof value)
  const [kind, type, key, , length, view] = reference
  if (kind !== 'storage' || !(type instanceof PickleName) || typeof key !== 'string') {
    return fail('a reference to a storage', 'another one')
  }
  if (storages[type.name] === undefined) return fail('float or long storages', type.name)
  if (!isCount(length) || (view !== null && view !== undefined)) {
    return fail(`storage ${key} to have a length and no view`, `${String(length)}`)
  }
  return { key, type: type.name, length }
}

/** The two calls of a state dictionary, answered with plain data. */
const reduce: Reduce = (name, args, at) => {
  if (name === 'collections.OrderedDict' && args.length === 0) return new Map()
  if (name !== 'torch._utils._rebuild_tensor_v2') {
    return fail(`tensors and dictionaries only, byte ${at}`, `a call of ${name}`)
  }
  const [reference, offset, shape, strides] = args
  const storage = storageOf(reference)
  if (!isCount(offset) || !isCounts(shape) || !isCounts(strides)) {
    return fail('a tensor of counts', 'something else')
  }
  if (shape.length !== strides.length) return fail(`${shape.length} strides`, `${strides.length}`)
  const size = shape.reduce((product, count) => product * count, 1)
  const last = shape.reduce((sum, count, axis) => sum + (count - 1) * (strides[axis] ?? 0), offset)
  // A stride of 0 would let a small file ask for a huge tensor: no more numbers than are stored.
  if (size > storage.length || (size > 0 && last >= storage.length)) {
    return fail(`a tensor inside storage ${storage.key} of ${storage.length}`, `[${shape}]`)
  }
  return { made: { storage, offset, shape, strides } satisfies TensorView }
}

/** Copies a strided view into row-major order. */
function rowMajor({ shape, strides, offset }: TensorView, stored: Float32Array): Float32Array {
  const size = shape.reduce((product, count) => product * count, 1)
  const data = new Float32Array(size)
  const index = shape.map(() => 0)
  let from = offset
  for (let i = 0; i < size; i += 1) {
    data[i] = stored[from] as number
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      const stride = strides[axis] as number
      const next = (index[axis] as number) + 1
      from += stride
      index[axis] = next
      if (next < (shape[axis] as number)) break
      from -= stride * next
      index[axis] = 0
    }
  }
  return data
}

function tensorViews(dictionary: PickleValue): Map<string, TensorView> {
  if (!(dictionary instanceof Map)) return fail('a state dictionary', typeof dictionary)
  const views = new Map<string, TensorView>()
  for (const [name, value] of dictionary) {
    const isTensor = value !== null && typeof value === 'object' && 'made' in value
    if (typeof name !== 'string' || !isTensor) return fail('named tensors', String(name))
    views.set(name, value.made as TensorView)
  }
  return views
}

/** Reads the raw numbers behind the pickles: for each key its length, then its elements. */
function readStorages(
  bytes: Uint8Array,
  start: number,
  keys: PickleValue,
  declared: ReadonlyMap<string, Storage>,
): Map<string, Float32Array> {
  if (!Array.isArray(keys)) return fail('a list of storage keys', typeof keys)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const read = new Map<string, Float32Array>()
  let at = start
  for (const key of keys) {
    const storage = typeof key === 'string' ? declared.get(key) : undefined
    if (storage === undefined || read.has(storage.key)) {
      return fail('each storage once', String(key))
    }
    if (bytes.length - at < 8) return fail('the length of a storage', 'the end of the file')
    const length = view.getBigInt64(at, true)
    if (length !== BigInt(storage.length)) return fail(`${storage.length} numbers`, `${length}`)
    const { bytes: width, float } = storages[storage.type] as (typeof storages)[string]
    at += 8
    const size = storage.length * width
    if (bytes.length - at < size) return fail(`${size} bytes of storage`, `${bytes.length - at}`)
    // A copy, because numbers in the file are not aligned.
    const raw = new Uint8Array(bytes.subarray(at, float ? at + size : at))
    read.set(storage.key, new Float32Array(raw.buffer))
    at += size
  }
  if (at !== bytes.length) return fail(`the file to end at byte ${at}`, `${bytes.length} bytes`)
  return read
}

/**
 * Float tensors of a weight file in torch's old format: five pickles, then raw storages.
 *
 * A restricted reader: tensors and dictionaries only, nothing of the file is called, every length
 * is checked against the file and every tensor against its storage. Integer tensors (step counts
 * of batch norms) are checked and left out.
 *
 * @param bytes - The whole file.
 * @returns Tensors by the name torch gave them, in the order of the file.
 * @throws {@link ArtifactError} for anything else than such a file.
 */
export function readTorchWeights(bytes: Uint8Array): Map<string, TorchTensor> {
  const first = unpickle(bytes, 0, reduce)
  if (first.value !== magic) fail('a torch file of the old format', 'other bytes')
  const version = unpickle(bytes, first.end, reduce)
  if (version.value !== protocol) fail(`protocol ${protocol}`, String(version.value))
  const system = unpickle(bytes, version.end, reduce)
  if (!(system.value instanceof Map) || system.value.get('little_endian') !== true) {
    fail('little-endian numbers', 'others')
  }
  const state = unpickle(bytes, system.end, reduce)
  const views = tensorViews(state.value)
  const declared = new Map<string, Storage>()
  let numbers = 0
  for (const { storage, shape } of views.values()) {
    // Many views of one storage would let a small file ask for much memory.
    numbers += shape.reduce((product, count) => product * count, 1)
    if (numbers > bytes.length) fail(`at most ${bytes.length} numbers`, 'more')
    const known = declared.get(storage.key) ?? storage
    if (known.type !== storage.type || known.length !== storage.length) {
      fail(`one description of storage ${storage.key}`, 'two')
    }
    declared.set(storage.key, storage)
  }
  const keys = unpickle(bytes, state.end, reduce)
  const stored = readStorages(bytes, keys.end, keys.value, declared)

  const tensors = new Map<string, TorchTensor>()
  for (const [name, view] of views) {
    const storage = stored.get(view.storage.key)
    if (storage === undefined) return fail(`storage ${view.storage.key}`, 'a file without it')
    if (storages[view.storage.type]?.float === true) {
      tensors.set(name, { shape: view.shape, data: rowMajor(view, storage) })
    }
  }
  return tensors
}
