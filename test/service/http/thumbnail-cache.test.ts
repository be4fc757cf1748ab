import { expect, it } from 'vitest'
import { thumbnailCache } from '../../../lib/service/http/thumbnail-cache.ts'

function counted(bytes = 10) {
  const made: string[] = []
  const make = async (id: string) => {
    made.push(id)
    return id === 'none' ? undefined : new Uint8Array(bytes)
  }
  return { made, make }
}

it('makes each once, also for those who ask at the same time', async () => {
  const { made, make } = counted()
  const cache = thumbnailCache(make)
  await Promise.all([cache.get('a'), cache.get('a'), cache.get('b')])
  await cache.get('a')
  expect(made).toEqual(['a', 'b'])
})

it('forgets those asked for least lately beyond its bytes', async () => {
  const { made, make } = counted()
  const cache = thumbnailCache(make, 25)
  for (const id of ['a', 'b', 'a', 'c', 'a', 'b']) await cache.get(id)
  expect(made).toEqual(['a', 'b', 'c', 'b'])
})

it('keeps nothing of a picture that was dropped while its copy was made', async () => {
  const gate = Promise.withResolvers<void>()
  const { made, make } = counted()
  const cache = thumbnailCache(async (id) => {
    await gate.promise
    return make(id)
  })
  const waiting = cache.get('a')
  cache.drop(['a'])
  gate.resolve()
  expect(await waiting).toBeDefined()
  await cache.get('a')
  expect(made).toEqual(['a', 'a'])
})

it('remembers neither absence nor failure', async () => {
  let isBroken = true
  const { made, make } = counted()
  const cache = thumbnailCache((id) => (isBroken ? Promise.reject(new Error('no')) : make(id)))
  await expect(cache.get('a')).rejects.toThrow('no')
  isBroken = false
  expect(await cache.get('a')).toBeDefined()
  expect(await cache.get('none')).toBeUndefined()
  expect(await cache.get('none')).toBeUndefined()
  expect(made).toEqual(['a', 'none', 'none'])
})
