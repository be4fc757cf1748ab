import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type FoundFile, filesUnder } from '../../lib/service/files-under.ts'

let above: string
let pictures: string

/** Writes a file into the picture folder, or beside it. */
function put(path: string): void {
  mkdirSync(dirname(join(above, path)), { recursive: true })
  writeFileSync(join(above, path), path)
}
const link = (to: string, path: string) => symlinkSync(to, join(pictures, path))

async function found(): Promise<FoundFile[]> {
  const all = await Array.fromAsync(filesUnder(pictures))
  return all.map((one) => ({ ...one, path: one.path.slice(pictures.length + 1) }))
}
const paths = async () => (await found()).map(({ path }) => path)

beforeEach(() => {
  above = mkdtempSync(join(tmpdir(), 'contrastream-files-'))
  pictures = join(above, 'pictures')
  mkdirSync(pictures)
})
afterEach(() => rmSync(above, { recursive: true, force: true }))

it('finds files of all depths in the order of their names, and nothing hidden', async () => {
  for (const path of ['b.png', 'a/z.png', 'a/b/c.png', '.d.png', '.e/f.png'])
    put(`pictures/${path}`)
  expect(await paths()).toEqual(['a/b/c.png', 'a/z.png', 'b.png'])
})

it('follows links to files and to folders, whatever those are called', async () => {
  for (const path of ['elsewhere/a.png', 'elsewhere/in/b.png', '.store/c1d2']) put(path)
  link('../elsewhere', 'shelf')
  link(join(above, '.store/c1d2'), 'c.png')
  expect(await paths()).toEqual(['c.png', 'shelf/a.png', 'shelf/in/b.png'])
})

it('enters each real folder once, by its own name where it has one', async () => {
  put('pictures/real/a.png')
  put('elsewhere/b.png')
  link('real', 'also-real')
  link('../elsewhere', 'one')
  link('../elsewhere', 'two')
  expect(await paths()).toEqual(['real/a.png', 'one/b.png'])
})

it('comes to an end where links lead back', async () => {
  put('pictures/real/a.png')
  put('beside.png')
  link('.', 'again')
  link('../..', 'real/up')
  expect(await paths()).toEqual(['real/a.png', 'real/up/beside.png'])
})

it('reads a folder that is itself a link', async () => {
  put('pictures/a.png')
  symlinkSync('pictures', join(above, 'also'))
  const [only] = await Array.fromAsync(filesUnder(join(above, 'also')))
  expect(only).toEqual({ path: join(above, 'also/a.png') })
})

it('tells of links that lead to nothing, and goes on', async () => {
  put('pictures/c.png')
  link('nowhere', 'a.png')
  link('b.png', 'b.png')
  expect(await found()).toEqual([
    { path: 'a.png', fault: { what: 'file', word: 'ENOENT' } },
    { path: 'b.png', fault: { what: 'file', word: 'ELOOP' } },
    { path: 'c.png' },
  ])
})
