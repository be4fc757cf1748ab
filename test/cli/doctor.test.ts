import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
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
