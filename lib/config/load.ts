import { existsSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { settingPrefix } from './names.ts'
import { type Config, configSchema } from './schema.ts'

/** Where settings come from; the later wins. */
export interface ConfigSources {
  /** A file that must exist. Absent: `contrastream.yaml` in the working folder, if there is one. */
  readonly file?: string
  /** Usually `process.env`; `CONTRASTREAM__LEARN__K=20` sets `learn.k`. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** `key=value` pairs, the key dotted. */
  readonly settings?: readonly string[]
}

type Tree = { [key: string]: unknown }

const defaultFile = 'contrastream.yaml'

function readTree(file: string | undefined): Tree {
  const path = file ?? defaultFile
  if (!existsSync(path)) {
    if (file === undefined) return {}
    throw new ConfigError(`config: expected a file at ${path}, there is none`)
  }
  try {
    const tree: unknown = parse(readFileSync(path, 'utf8')) ?? {}
    if (typeof tree !== 'object' || Array.isArray(tree)) throw new Error('not a mapping of keys')
    return tree as Tree
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError(`config: expected a mapping in ${path}, got: ${detail}`, { cause })
  }
}

/** Sets a value at a dotted path, making the sections on the way. */
function setAt(tree: Tree, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path
  if (key === undefined) return
  if (rest.length === 0) {
    tree[key] = value
    return
  }
  const inner = tree[key]
  const section: Tree = typeof inner === 'object' && inner !== null ? { ...(inner as Tree) } : {}
  tree[key] = section
  setAt(section, rest, value)
}

/** The known key that a name written in another case stands for. */
function keyLike(schema: unknown, written: string): string {
  const shape = (schema as { shape?: Tree } | undefined)?.shape ?? {}
  return Object.keys(shape).find((key) => key.toLowerCase() === written.toLowerCase()) ?? written
}

/** Unwraps defaults so that the keys of a section can be read. */
function unwrapped(schema: unknown): unknown {
  const definition = (schema as { def?: { innerType?: unknown } } | undefined)?.def
  return definition?.innerType === undefined ? schema : unwrapped(definition.innerType)
}

function environmentPath(variable: string): string[] {
  let schema: unknown = configSchema
  return variable
    .slice(settingPrefix.length)
    .split('__')
    .map((part) => {
      const key = keyLike(schema, part)
      const shape = (schema as { shape?: Tree } | undefined)?.shape
      schema = unwrapped(shape?.[key])
      return key
    })
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  let schema: unknown = configSchema
  for (const key of path) {
    schema = unwrapped((schema as { shape?: Tree } | undefined)?.shape?.[String(key)])
  }
  return Object.keys((schema as { shape?: Tree } | undefined)?.shape ?? {})
}

function described(issue: z.core.$ZodIssue): string {
  const where = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') {
    const at = where === '' ? 'the top level' : where
    return `unknown key ${issue.keys.join(', ')} at ${at}; known there: ${knownKeys(issue.path).join(', ')}`
  }
  return `${where}: ${issue.message}`
}

/** Checks settings and fills in the defaults. @throws {@link ConfigError} naming every fault. */
export function checkConfig(tree: unknown): Config {
  const result = configSchema.safeParse(tree)
  if (result.success) return result.data
  throw new ConfigError(`config: ${result.error.issues.map(described).join('; ')}`)
}

/**
 * The settings in force: file, then environment, then `key=value` pairs.
 *
 * @throws {@link ConfigError} if a file is missing or a setting is unknown or out of range.
 */
export function loadConfig(sources: ConfigSources = {}): Config {
  const tree = readTree(sources.file)
  for (const [variable, text] of Object.entries(sources.environment ?? {})) {
    if (variable.startsWith(settingPrefix) && text !== undefined) {
      setAt(tree, environmentPath(variable), parse(text))
    }
  }
  for (const pair of sources.settings ?? []) {
    const at = pair.indexOf('=')
    if (at < 1) throw new ConfigError(`config: expected key=value after --set, got '${pair}'`)
    setAt(tree, pair.slice(0, at).split('.'), parse(pair.slice(at + 1)))
  }
  return checkConfig(tree)
}
