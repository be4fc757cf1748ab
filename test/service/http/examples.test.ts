import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { idOf, openShop, partsOf, type Running, type Shop, startServer } from './support.ts'

const run = promisify(execFile)
const folder = join(import.meta.dirname, '../../../examples')

let shop: Shop
let running: Running
let token: string
let picture: string
let id: string
beforeAll(async () => {
  shop = await openShop({ http: { names: ['photos.example'] } })
  token = await shop.token('admin')
  running = await startServer(partsOf(shop))
  picture = join(shop.folder, 'picture.png')
  const bytes = shop.pictures[0] as Uint8Array
  writeFileSync(picture, bytes)
  id = idOf(bytes)
})
afterAll(async () => {
  await running.server.close({ drainMs: 0 })
  await shop.close()
})

const examples: readonly (readonly [string, string, readonly string[]])[] = [
  ['curl.sh', '/bin/sh', []],
  ['client.ts', process.execPath, []],
  ['client.py', 'python3', []],
]

describe.each(examples)('%s', (name, program, first) => {
  const example = (withToken: string, path: string) => {
    const env = { ...process.env, CONTRASTREAM_URL: running.data, CONTRASTREAM_TOKEN: withToken }
    return run(program, [...first, join(folder, name), path], { env })
  }

  it('hands a picture in, embeds it and finds it', async () => {
    const { stdout } = await example(token, picture)
    expect(stdout).toContain(id)
    expect(stdout).toContain(shop.versions[1])
    const found = stdout.slice(stdout.lastIndexOf('numbers by') + 1)
    expect(found).toContain(id)
    expect(stdout).toMatch(name === 'curl.sh' ? /3072 bytes by v2-/ : /768 numbers by v2-/)
  })

  it('fails with what the service says', async () => {
    const words = join(shop.folder, 'words.txt')
    writeFileSync(words, 'no picture')
    await expect(example(token, words)).rejects.toMatchObject({
      code: expect.any(Number),
      message: expect.any(String),
    })
    const refused = await example('cst_wrong', picture).catch((error: unknown) => error)
    const { stdout, stderr } = refused as { stdout: string; stderr: string }
    expect(`${stdout}${stderr}`).toContain('AUTH')
  })
})
