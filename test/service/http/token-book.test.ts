import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type TokenBook, tokenBook } from '../../../lib/service/http/token-book.ts'
import { createToken, listTokens, revokeToken } from '../../../lib/service/tokens.ts'
import { temporaryStores } from '../../support/stores.ts'

let book: TokenBook | undefined
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => {
  book?.close()
  vi.useRealTimers()
})

it('shuts a revoked token out within 30 s', async () => {
  const { documents } = temporaryStores()
  const { secret, token } = await createToken(documents, 'read', { now: 1 })
  book = tokenBook(
    () => listTokens(documents),
    () => 2,
    () => undefined,
  )
  await book.refresh()
  await revokeToken(documents, token.id, 2)
  expect(await book.find(secret)).toEqual(token)
  await vi.advanceTimersByTimeAsync(30_000)
  expect(await book.find(secret)).toBeUndefined()
  expect(book.hasLive).toBe(false)
})

it('looks an unknown token up at once, and no more than once a second', async () => {
  const { documents } = temporaryStores()
  let readings = 0
  const read = () => {
    readings += 1
    return listTokens(documents)
  }
  book = tokenBook(
    read,
    () => 2,
    () => undefined,
  )
  const { secret, token } = await createToken(documents, 'read', { now: 1 })
  expect(await book.find(secret)).toEqual(token)
  const later = await createToken(documents, 'read', { now: 1 })
  for (let i = 0; i < 100; i += 1) expect(await book.find(later.secret)).toBeUndefined()
  expect(readings).toBe(1)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(await book.find(later.secret)).toEqual(later.token)
  expect(readings).toBe(2)
})

it('goes on with the last tokens while the store cannot be read, and says so', async () => {
  const { documents } = temporaryStores()
  const { secret, token } = await createToken(documents, 'admin', { now: 1 })
  const warnings: unknown[] = []
  let isAway = false
  const read = () => (isAway ? Promise.reject(new Error('away')) : listTokens(documents))
  book = tokenBook(
    read,
    () => 2,
    (error) => warnings.push(error),
  )
  await book.refresh()
  isAway = true
  await vi.advanceTimersByTimeAsync(20_000)
  expect(await book.find(secret)).toEqual(token)
  expect(warnings).toHaveLength(2)
})
