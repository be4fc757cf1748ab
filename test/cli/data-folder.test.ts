import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { command, temporaryFolder } from './support.ts'

it.each([
  ['embed', 'x.png'],
  ['search', 'x.png'],
  ['eval', '.', '--labels', 'folders'],
  ['gate', 'v1'],
  ['round', 'start'],
  ['models', 'list'],
  ['models', 'show', 'v1'],
  ['models', 'diff', 'v1', 'v2'],
  ['models', 'promote', 'v1'],
  ['models', 'rollback'],
  ['models', 'gc'],
  ['models', 'export', '--out', 'x'],
  ['clusters', 'list'],
  ['clusters', 'show', '1'],
  ['clusters', 'name', '1', 'pears'],
  ['image', 'show', 'ab'],
  ['quarantine', 'list'],
  ['quarantine', 'show', '0'],
  ['quarantine', 'replay', '0'],
  ['token', 'list'],
])('makes no data folder for %s %s', async (...words) => {
  const folder = join(temporaryFolder(), 'mistyped')
  const { error, code } = await command(...words, '--data', folder)
  expect(existsSync(folder)).toBe(false)
  expect(error).toMatchObject({ code: 'MISSING', message: expect.stringContaining(folder) })
  expect(error).toMatchObject({ message: expect.stringContaining('contrastream run <folder>') })
  expect(code).toBe(1)
})

it('makes nothing in a folder of something else', async () => {
  const folder = temporaryFolder()
  const { error } = await command('models', 'list', '--data', folder)
  expect(error).toMatchObject({ code: 'MISSING' })
})

it('makes one for the first token, which a public address asks for before its first run', async () => {
  const folder = join(temporaryFolder(), 'new')
  const { code } = await command('token', 'create', '--scope', 'read', '--data', folder)
  expect(code).toBe(0)
  expect(existsSync(folder)).toBe(true)
})
