import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { engineCache } from '../../lib/engine/engine-cache.ts'
import { installEngine } from '../../lib/engine/native.ts'
import type { InstallTools } from '../../lib/engine/native-tools.ts'
import { EngineError } from '../../lib/errors.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'contrastream-engine-'))
  vi.stubEnv('CONTRASTREAM_CACHE', join(folder, 'cache'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

/** A program of a few lines of shell. */
function program(name: string, body: string): string {
  const path = join(folder, name)
  writeFileSync(path, `#!/bin/sh\n${body}\n`)
  chmodSync(path, 0o755)
  return path
}

/** A Python with pip whose downloads end with this on standard error. */
const python = (said: string): string =>
  program('python', `case "$*" in *download*) echo "${said}" >&2; exit 1;; esac`)

async function failure(tools: InstallTools): Promise<EngineError> {
  const error = await installEngine({ tools }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(EngineError)
  return error as EngineError
}

describe('installEngine', () => {
  const absent = '/nowhere/program'

  it('names Python when there is none', async () => {
    const error = await failure({ pythons: [absent], compiler: absent })
    expect(error.reason).toBe('no-python')
    expect(error.message).toContain('install python3 and python3-pip')
  })

  it('names pip when Python has none', async () => {
    const bare = program('python', '[ "$1" = --version ]')
    const error = await failure({ pythons: [absent, bare], compiler: absent })
    expect(error.reason).toBe('no-pip')
    expect(error.message).toContain('install python3-pip')
  })

  it('names the compiler before it fetches anything', async () => {
    const error = await failure({ pythons: [python('fetched')], compiler: absent })
    expect(error.reason).toBe('no-compiler')
    expect(error.message).toContain('install g++')
  })

  it('repeats what pip says when it fetches nothing, and may be tried again', async () => {
    const pythons = [python('ERROR: No matching distribution found')]
    const error = await failure({ pythons, compiler: program('g++', 'exit 0') })
    expect(error.reason).toBe('no-network')
    expect(error.retryable).toBe(true)
    expect(error.message).toContain('"ERROR: No matching distribution found"')
    expect(error.message.split('\n')).toHaveLength(1)
  })

  it('refuses wheels with other bytes', async () => {
    const pythons = [python('ERROR: THESE PACKAGES DO NOT MATCH THE HASHES')]
    const error = await failure({ pythons, compiler: program('g++', 'exit 0') })
    expect(error.reason).toBe('digest')
  })

  it('leaves nothing in the cache when it fails', async () => {
    await failure({ pythons: [python('ERROR: no')], compiler: program('g++', 'exit 0') })
    expect(readdirSync(join(folder, 'cache', 'engine'))).toEqual([])
  })
})

describe('engineCache', () => {
  it('prefers its own variable, then the one of the system', () => {
    expect(engineCache()).toBe(join(folder, 'cache'))
    vi.stubEnv('CONTRASTREAM_CACHE', '')
    vi.stubEnv('XDG_CACHE_HOME', '/caches')
    expect(engineCache()).toBe('/caches/contrastream')
    vi.stubEnv('XDG_CACHE_HOME', '')
    vi.stubEnv('HOME', '/home/someone')
    expect(engineCache()).toBe('/home/someone/.cache/contrastream')
  })
})
