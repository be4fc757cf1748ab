import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const main = fileURLToPath(new URL('../../lib/cli/main.ts', import.meta.url))
const listModules = `data:text/javascript,${encodeURIComponent(
  `import { registerHooks } from 'node:module'
   registerHooks({ load(url, context, next) {
     process.stderr.write('loaded ' + url + '\\n')
     return next(url, context)
   } })`,
)}`

describe('contrastream --help', () => {
  it('loads neither tensors nor the image library', () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', listModules, main, '--help'],
      { encoding: 'utf8' },
    )
    expect(status).toBe(0)
    expect(stdout).toContain('Usage: contrastream')
    expect(stderr).toContain('lib/cli/program.ts')
    expect(stderr).not.toMatch(/node_modules\/(@tensorflow|sharp)|lib\/engine\/tf\.ts/)
  })
})
