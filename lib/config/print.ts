import { stringify } from 'yaml'
import { z } from 'zod'
import { type Config, configSchema } from './schema.ts'
import { duration, size } from './units.ts'

interface Definition {
  readonly innerType?: z.ZodType
  readonly options?: readonly z.ZodType[]
}

const definitionOf = (schema: z.ZodType | undefined): Definition =>
  (schema as { readonly def?: Definition } | undefined)?.def ?? {}

/** A schema and those that it wraps or chooses from. */
function* within(schema: z.ZodType | undefined): Generator<z.ZodType> {
  if (schema === undefined) return
  yield schema
  const { innerType, options = [] } = definitionOf(schema)
  yield* within(innerType)
  for (const option of options) yield* within(option)
}

const secret = /password|secret|token|credential/i
const masked = '***'

/** The text without the name, password and query that a URL may carry. */
function withoutSecrets(text: string): string {
  if (!URL.canParse(text)) return text
  const url = new URL(text)
  if (url.username === '' && url.password === '' && url.search === '') return text
  url.username = url.username && masked
  url.password = url.password && masked
  url.search = url.search && masked
  return url.href
}

/** A value as a settings file has it: durations and sizes with their units. */
function written(key: string, value: unknown, schema: z.ZodType | undefined): unknown {
  const found = [...within(schema)]
  if (typeof value === 'number') {
    if (found.includes(duration)) return `${value}ms`
    return found.includes(size) ? `${value}B` : value
  }
  if (typeof value === 'string') {
    return secret.test(key) && value !== '' ? masked : withoutSecrets(value)
  }
  if (Array.isArray(value)) return value.map((one) => written(key, one, undefined))
  if (typeof value !== 'object' || value === null) return value
  const shape = found.find((one): one is z.ZodObject => one instanceof z.ZodObject)?.shape ?? {}
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      written(name, inner, shape[name] as z.ZodType | undefined),
    ]),
  )
}

/** The settings in force as a file would have them; secrets are masked. */
export function settingsTree(config: Config): Readonly<Record<string, unknown>> {
  return written('', config, configSchema) as Readonly<Record<string, unknown>>
}

/** {@link settingsTree} as YAML, which reads back as the same settings. */
export function printSettings(config: Config): string {
  return stringify(settingsTree(config))
}

/** JSON Schema of a settings file, for editors. */
export function settingsJsonSchema(): Readonly<Record<string, unknown>> {
  return { ...z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) }
}
