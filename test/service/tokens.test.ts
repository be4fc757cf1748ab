import { expect, it } from 'vitest'
import {
  createToken,
  findToken,
  isLive,
  listTokens,
  revokeToken,
} from '../../lib/service/tokens.ts'
import { temporaryStores } from '../support/stores.ts'

const day = 86_400_000

it('stores no secret, and knows the token by it', async () => {
  const { documents } = temporaryStores()
  const { secret, token } = await createToken(documents, 'read', { now: 5 })
  const tokens = await listTokens(documents)
  expect(tokens).toEqual([token])
  expect(JSON.stringify(tokens)).not.toContain(secret.split('_')[2])
  expect(findToken(tokens, secret)).toEqual(token)
})

it('makes tokens of 256 random bits', async () => {
  const { documents } = temporaryStores()
  const made = await Promise.all(
    Array.from({ length: 20 }, () => createToken(documents, 'read', { now: 1 })),
  )
  const secrets = made.map(({ secret }) => secret.slice(secret.indexOf('_', 4) + 1))
  expect(new Set(secrets).size).toBe(20)
  expect(secrets.every((secret) => Buffer.from(secret, 'base64url').length === 32)).toBe(true)
})

it('takes no other secret, no other id and no other text', async () => {
  const { documents } = temporaryStores()
  const { secret } = await createToken(documents, 'admin', { now: 1 })
  const other = await createToken(documents, 'admin', { now: 1 })
  const tokens = await listTokens(documents)
  const id = secret.slice(0, 17)
  const mixed = `${id}${other.secret.slice(17)}`
  for (const presented of [
    mixed,
    `${id}${'A'.repeat(43)}`,
    id,
    '',
    `${secret}A`,
    secret.slice(4),
  ]) {
    expect(findToken(tokens, presented)).toBeUndefined()
  }
})

it('ends a token when its days are over, or when it is revoked', async () => {
  const { documents } = temporaryStores()
  const { token } = await createToken(documents, 'ingest', { days: 2, now: 100 })
  expect([isLive(token, 99 + 2 * day), isLive(token, 100 + 2 * day)]).toEqual([true, false])
  const revoked = await revokeToken(documents, token.id, 200)
  expect(isLive(revoked, 201)).toBe(false)
  expect(await revokeToken(documents, token.id, 900)).toEqual(revoked)
  expect(await listTokens(documents)).toEqual([revoked])
})

it('refuses a token without days to live, and to revoke what is not there', async () => {
  const { documents } = temporaryStores()
  for (const days of [0, -1, Number.NaN]) {
    await expect(createToken(documents, 'read', { days, now: 1 })).rejects.toMatchObject({
      code: 'INPUT',
    })
  }
  for (const id of ['0123456789ab', '../x']) {
    await expect(revokeToken(documents, id, 1)).rejects.toMatchObject({ code: 'MISSING' })
  }
})
