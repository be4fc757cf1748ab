import { spawnSync } from 'node:child_process'
import type { Command } from 'commander'
import { expect, it } from 'vitest'
import { program } from '../../lib/cli/program.ts'
import { command, onPipeline, temporaryFolder } from './support.ts'

/** The commands that do something, with their words. */
function leaves(of: Command, words: readonly string[] = []): [string, Command][] {
  return of.commands.flatMap((one): [string, Command][] => {
    const path = [...words, one.name()]
    return one.commands.length > 0 ? leaves(one, path) : [[path.join(' '), one]]
  })
}

const all = leaves(program())

function helpOf(one: Command): string {
  let text = ''
  one.configureOutput({ writeOut: (part) => (text += part) })
  one.outputHelp()
  return text
}

/** The example that a command shows, as a shell would hand it over: words, some of them quoted. */
function exampleOf(one: Command): string[] {
  const example = helpOf(one).split('Example:\n')[1]?.trim() ?? ''
  return (example.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''))
}

it.each(all)('shows an example of %s that begins with its words', (words, one) => {
  expect(exampleOf(one).slice(0, words.split(' ').length + 1)).toEqual([
    'contrastream',
    ...words.split(' '),
  ])
})

it.each(all)('takes its own example of %s', async (words, one) => {
  const fresh = program()
  const same = leaves(fresh).find(([path]) => path === words)?.[1] as Command
  let isCalled = false
  same.action(() => {
    isCalled = true
  })
  await fresh.parseAsync(['node', ...exampleOf(one)])
  expect(isCalled).toBe(true)
})

it.each([
  ...['config print', 'config check', 'config schema', 'token create', 'token list'],
  ...['models list', 'models gc', 'quarantine list', 'quarantine replay', 'index status'],
])('does what its example of %s says', async (words) => {
  const folder = temporaryFolder()
  await onPipeline(folder, async () => undefined)
  const example = exampleOf(new Map(all).get(words) as Command).slice(1)
  expect(await command(...example, '--data', folder)).toMatchObject({ code: 0, error: undefined })
})

it.each(all)('gives %s the options of all commands', (_, one) => {
  const names = one.options.map(({ long }) => long)
  expect(names).toEqual(
    expect.arrayContaining(['--config', '--data', '--set', '--json', '--quiet', '--verbose']),
  )
})

it('has the commands of its design, and no other', () => {
  const designed = [
    ...['run', 'demo', 'doctor', 'engine install', 'backbone install'],
    ...['embed', 'search', 'eval', 'train', 'gate', 'round start'],
    ...['list', 'show', 'diff', 'promote', 'rollback', 'gc', 'export'].map(
      (one) => `models ${one}`,
    ),
    ...['list', 'show', 'name'].map((one) => `clusters ${one}`),
    ...['image show', 'image forget', 'backup', 'restore'],
    ...['list', 'show', 'replay'].map((one) => `quarantine ${one}`),
    ...['status', 'rebuild'].map((one) => `index ${one}`),
    ...['create', 'list', 'revoke'].map((one) => `token ${one}`),
    ...['print', 'check', 'schema'].map((one) => `config ${one}`),
  ]
  expect(all.map(([words]) => words).sort()).toEqual(designed.sort())
})

it('loads no tensor package for --help', () => {
  const hook = `
    import { registerHooks } from 'node:module'
    registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context) } })`
  const data = `data:text/javascript,${encodeURIComponent(hook)}`
  const main = new URL('../../lib/cli/main.ts', import.meta.url).pathname
  const ran = spawnSync(process.execPath, ['--no-warnings', '--import', data, main, '--help'], {
    encoding: 'utf8',
  })
  expect(ran.status).toBe(0)
  expect(ran.stdout).toContain('models')
  expect(ran.stderr).toContain('commander')
  expect(ran.stderr).not.toMatch(/@tensorflow|sharp|lib\/engine/)
})

it.each([
  [2, ['backbone', 'install', 'resnet-9000']],
  [2, ['search', 'x.png', '-k', '0']],
  [2, ['run', '--until', 'noon']],
  [1, ['models', 'rollback']],
  [1, ['gate', 'v1']],
  [2, ['gate']],
  [2, ['gate', 'v1', 'v2']],
  [2, ['models']],
  [2, ['modles', 'list']],
  [2, ['models', 'export']],
  [2, ['models', 'list', '--al']],
  [0, ['models', 'list', '--help']],
])('ends with %i for %j', async (code, args) => {
  expect((await command(...args, '--data', temporaryFolder())).code).toBe(code)
})
