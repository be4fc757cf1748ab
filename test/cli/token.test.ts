import { expect, it } from 'vitest'
import { findToken, listTokens } from '../../lib/service/tokens.ts'
import { command, onPipeline, temporaryFolder } from './support.ts'

it('shows a token once, lists it without its secret, and revokes it', async () => {
  const folder = temporaryFolder()
  const at = ['--data', folder, '--json']
  const made = await command('token', 'create', '--scope', 'read', '--days', '90', ...at)
  const { id, token } = made.lines[0] as { id: string; token: string }
  await onPipeline(folder, async ({ documents }) => {
    expect(findToken(await listTokens(documents), token)).toMatchObject({ id, scope: 'read' })
  })
  const listed = await command('token', 'list', ...at)
  expect(listed.lines).toMatchObject([{ id, scope: 'read', isLive: true }])
  expect(listed.stdout).not.toContain(token.slice(17))
  expect((await command('token', 'revoke', id, ...at)).code).toBe(0)
  expect((await command('token', 'list', ...at)).lines).toMatchObject([{ id, isLive: false }])
})

it('prints nothing but the token on standard output', async () => {
  const made = await command('token', 'create', '--scope', 'admin', '--data', temporaryFolder())
  expect(made.stdout).toMatch(/^cst_[0-9a-f]{12}_[A-Za-z0-9_-]{43}\n$/)
})

it('refuses another scope, and days that are none', async () => {
  const folder = temporaryFolder()
  const wrong = await command('token', 'create', '--scope', 'root', '--data', folder)
  expect(wrong.code).toBe(2)
  const days = await command('token', 'create', '--scope', 'read', '--days', 'x', '--data', folder)
  expect(days.code).toBe(2)
})
