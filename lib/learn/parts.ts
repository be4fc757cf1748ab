import { z } from 'zod'
import { CheckpointError, InputError } from '../errors.ts'
import { canonicalText } from '../registry/canonical.ts'
import type { JsonObject } from '../store/types.ts'

/** What a part keeps as numbers. */
export type PartArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array

/** Content of one part of a checkpoint. Its meaning is that of the module that made it. */
export interface PartContent {
  readonly json: JsonObject
  readonly arrays: Readonly<Record<string, PartArray>>
}

/** Name of each kind of number in the header. */
const kinds = {
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
} as const

type Dtype = keyof typeof kinds
const dtypes = Object.keys(kinds) as readonly Dtype[]

/** Key of the header under which the JSON travels; no array may be called so. */
const metadataKey = '__metadata__'
/** Bytes of the length that precedes the header; data begin at a multiple of it. */
const wordBytes = 8

const offset = z.int().min(0)
const headerSchema = z.record(
  z.string(),
  z.strictObject({
    dtype: z.enum(dtypes),
    shape: z.tuple([offset]),
    data_offsets: z.tuple([offset, offset]),
  }),
)
const metadataSchema = z.strictObject({ json: z.string() })

/**
 * One byte string of a part, in the layout of safetensors: the header's length (u64, little
 * endian), a JSON header, then the arrays without gaps, wide numbers first so that all are
 * aligned. Equal content gives equal bytes.
 *
 * @throws {@link InputError} if an array's name is reserved or its kind is not known.
 */
export function encodePart({ json, arrays }: PartContent): Uint8Array {
  const entries = Object.entries(arrays)
    .map(([name, array]) => ({ name, array, dtype: dtypeOf(name, array) }))
    .sort((a, b) => byWidth(a.array, b.array) || (a.name < b.name ? -1 : 1))
  const header: [string, unknown][] = [[metadataKey, { json: canonicalText(json) }]]
  let end = 0
  for (const { name, array, dtype } of entries) {
    const begin = end
    end += array.byteLength
    header.push([name, { dtype, shape: [array.length], data_offsets: [begin, end] }])
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)))
  const dataStart = wordBytes * Math.ceil((wordBytes + text.length) / wordBytes)
  const bytes = new Uint8Array(dataStart + end).fill(0x20, 0, dataStart) // padded with spaces
  new DataView(bytes.buffer).setBigUint64(0, BigInt(dataStart - wordBytes), true)
  bytes.set(text, wordBytes)
  let at = dataStart
  for (const { array } of entries) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at)
    at += array.byteLength
  }
  return bytes
}

const byWidth = (a: PartArray, b: PartArray): number => b.BYTES_PER_ELEMENT - a.BYTES_PER_ELEMENT

function dtypeOf(name: string, array: PartArray): Dtype {
  const dtype = dtypes.find((candidate) => array.constructor === kinds[candidate])
  if (dtype && name !== metadataKey) return dtype
  throw new InputError(`encodePart: ${name}: expected a typed array of its own name, got neither`)
}

/**
 * The content of a part. The arrays are copies: they share nothing with `bytes`.
 *
 * @param bytes - What {@link encodePart} gave; anything else is refused, whatever it is.
 * @throws {@link CheckpointError} if a length, name, kind or offset does not fit.
 */
export function decodePart(bytes: Uint8Array): PartContent {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = bytes.length < wordBytes ? Number.NaN : Number(view.getBigUint64(0, true))
  const dataStart = wordBytes + length
  if (!(dataStart <= bytes.length)) {
    fail(`a header inside ${bytes.length} bytes`, `${length} bytes of it`)
  }
  const { [metadataKey]: metadata, ...rest } = record(parse(bytes.subarray(wordBytes, dataStart)))
  const json = record(parse(check(metadataSchema, metadata).json)) as JsonObject
  const header = Object.entries(check(headerSchema, rest))
  header.sort(
    ([, a], [, b]) =>
      a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1],
  )
  let end = 0
  const arrays = header.map(([name, { dtype, shape, data_offsets }]) => {
    const [begin, stop] = data_offsets
    const Kind = kinds[dtype]
    if (begin !== end || stop - begin !== shape[0] * Kind.BYTES_PER_ELEMENT) {
      fail(`${name} of ${shape[0]} × ${dtype} from byte ${end}`, `bytes ${begin} to ${stop}`)
    }
    end = stop
    if (dataStart + stop > bytes.length) fail(`${name} inside the part`, `an end at ${stop}`)
    // A copy is aligned, whatever the offset in `bytes` is.
    const { buffer } = new Uint8Array(bytes.subarray(dataStart + begin, dataStart + stop))
    return [name, new Kind(buffer)] as const
  })
  if (dataStart + end !== bytes.length) fail(`${dataStart + end} bytes`, `${bytes.length}`)
  return { json, arrays: Object.fromEntries(arrays) }
}

function fail(expected: string, got: string, cause?: unknown): never {
  throw new CheckpointError(`decodePart: expected ${expected}, got ${got}`, { cause })
}

function parse(source: Uint8Array | string): unknown {
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true })
    return JSON.parse(typeof source === 'string' ? source : decoder.decode(source))
  } catch (error) {
    return fail('JSON', 'other bytes', error)
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>
  }
  return fail('a JSON object', Array.isArray(value) ? 'an array' : String(value))
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  return fail('a part header', `${issue?.path.join('.')}: ${issue?.message}`, parsed.error)
}
