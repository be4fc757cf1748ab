import { InputError } from '../errors.ts'
import type { Json, JsonObject } from '../store/types.ts'

function canonical(value: unknown, path: string): string | undefined {
  if (value === undefined) return undefined
  if (value === null || typeof value === 'boolean' || typeof value === 'string') {
    return JSON.stringify(value)
  }
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (Array.isArray(value)) {
    const items = value.map((item, i) => canonical(item ?? null, `${path}[${i}]`))
    return `[${items.join(',')}]`
  }
  if (typeof value === 'object' && isPlain(value)) {
    const entries = Object.keys(value)
      .sort()
      .map((key) => [key, canonical((value as JsonObject)[key], `${path}.${key}`)] as const)
      .filter(([, text]) => text !== undefined)
    return `{${entries.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`
  }
  throw new InputError(`canonicalJson: expected JSON at ${path}, got ${describe(value)}`)
}

const isPlain = (value: object): boolean =>
  [Object.prototype, null].includes(Object.getPrototypeOf(value))

const describe = (value: unknown): string =>
  typeof value === 'object' ? (value?.constructor?.name ?? 'object') : String(value)

/**
 * The one text of a JSON value: keys in code-unit order, no white space, absent fields left out.
 *
 * Equal values have equal texts, so a digest of it identifies the value.
 *
 * @param value - Plain JSON; a field that is `undefined` counts as absent.
 * @throws {@link InputError} for what JSON cannot say: NaN, infinities, functions, typed arrays.
 */
export function canonicalText(value: object): string {
  return canonical(value, '$') as string
}

/** {@link canonicalText} as UTF-8 bytes. */
export function canonicalJson(value: object): Uint8Array {
  return new TextEncoder().encode(canonicalText(value))
}

/** A plain copy that shares nothing with its source, as a store would give it back. */
export function plainJson(value: object): JsonObject {
  return JSON.parse(canonicalText(value)) as JsonObject
}

/** Whether two JSON values say the same, whatever the order of their keys. */
export function isSameJson(a: Json | object, b: Json | object): boolean {
  return canonical(a, '$') === canonical(b, '$')
}
