import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { secretFiles } from '../../lib/cloud/secret-files.ts'

function world(): string {
  const folder = mkdtempSync(join(tmpdir(), 'contrastream-secrets-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'secrets')
}

it('moves a login out of the environment into a file that only its user reads', () => {
  const environment = { KAFKA_USER: 'cat', KAFKA_PASSWORD: 'meow', OTHER: 'x' }
  secretFiles(environment, world())
  expect(environment).not.toHaveProperty('KAFKA_PASSWORD')
  const path = (environment as Record<string, string>)['CONTRASTREAM__KAFKA__AUTH__PASSWORDFILE']
  expect(readFileSync(path ?? '', 'utf8')).toBe('meow')
  expect(statSync(path ?? '').mode & 0o777).toBe(0o600)
  expect(environment).toMatchObject({ CONTRASTREAM__KAFKA__AUTH__USERNAME: 'cat', OTHER: 'x' })
})

it('does nothing where no secret is given', () => {
  const environment = { OTHER: 'x' }
  secretFiles(environment, world())
  expect(environment).toEqual({ OTHER: 'x' })
})
