import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { engine } from '../support/engine.ts'
import { command, temporaryFolder } from './support.ts'

const findingOf = (lines: readonly Readonly<Record<string, unknown>>[], what: string) =>
  lines.find((line) => line['what'] === what)

it('looks at everything and makes no data folder', async () => {
  const folder = join(temporaryFolder(), 'absent')
  const { lines } = await command('doctor', '--data', folder, '--json')
  expect(findingOf(lines, 'Node')).toMatchObject({ ok: true, detail: process.versions.node })
  expect(findingOf(lines, 'data')).toMatchObject({ ok: true })
  expect(lines.some((line) => String(line['what']).startsWith('engine'))).toBe(true)
  expect(existsSync(folder)).toBe(false)
})

it('ends with 3 and a remedy for a damaged data folder and a full disk', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'contrastream.db'), 'no database at all, whatever its name says')
  const floor = ['--set', 'disk.floor=1000000000GiB']
  const { lines, code } = await command('doctor', '--data', folder, '--json', ...floor)
  expect(code).toBe(3)
  for (const what of ['data', 'disk']) {
    expect(findingOf(lines, what)).toMatchObject({ ok: false, remedy: expect.any(String) })
  }
})

it('asks for compiler and pip only where the native engine or a backbone is still to be made', async () => {
  vi.stubEnv('PATH', '/nowhere')
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  const settings = ['--data', temporaryFolder(), '--set', 'disk.floor=1B', '--json']
  const isNative = engine.name === 'tensorflow'
  const own = await command('doctor', ...settings, '--set', 'model.backbone=conv4')
  for (const what of ['C++ compiler', 'Python with pip']) {
    expect(findingOf(own.lines, what)).toMatchObject({
      ok: isNative,
      detail: expect.stringContaining('not found'),
    })
  }
  expect(own.code).toBe(isNative ? 0 : 3)
})
