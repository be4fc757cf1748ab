import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'

const run = promisify(execFile)
const checkout = fileURLToPath(new URL('../..', import.meta.url))

/** What the Dockerfile copies out of the checkout, as it says itself. */
function copied(): readonly string[] {
  const lines = readFileSync(join(checkout, 'Dockerfile'), 'utf8').split('\n')
  const copies = lines.filter((line) => /^COPY (?!--from)/.test(line))
  return copies.flatMap((line) => line.split(' ').slice(1, -1))
}

it('is made by its script from what it copies, and starts the program', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'contrastream-image-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const part of copied()) {
    cpSync(join(checkout, part), join(folder, part), { recursive: true })
  }
  // As in the image: `node` and `npm` of this process, nothing of the checkout.
  const environment = {
    ...process.env,
    PATH: [
      dirname(process.execPath),
      ...(process.env['PATH'] ?? '').split(':').filter((one) => !one.includes('node_modules')),
    ].join(':'),
    TMPDIR: folder,
    KAFKA_USER: 'cat',
    KAFKA_PASSWORD: 'meow',
  }
  const options = { cwd: folder, env: environment, maxBuffer: 64 * 2 ** 20 }
  await run('docker/install.sh', ['cpu'], options)
  const start = ['docker/entrypoint.ts', 'config', 'print', '--json']
  const { stdout } = await run(process.execPath, start, options)
  // The login went into the settings by a file, and nowhere else.
  const [line = ''] = stdout.split('\n')
  expect(JSON.parse(line).config.kafka.auth.username).toBe('cat')
  expect(stdout).not.toContain('meow')
  const engine = `
    import { selectEngine } from './lib/engine/select.ts'
    console.log((await selectEngine()).name)`
  const { stdout: name } = await run(
    process.execPath,
    ['--input-type=module', '-e', engine],
    options,
  )
  expect(name.trim()).toBe('tensorflow')
})
