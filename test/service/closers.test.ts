import { expect, it } from 'vitest'
import { Closers } from '../../lib/service/closers.ts'

/** Three things to close, of which the second one to be closed fails. */
function threeThings(): { readonly closers: Closers; readonly closed: string[] } {
  const closers = new Closers()
  const closed: string[] = []
  for (const name of ['first', 'second', 'third']) {
    closers.add(async () => {
      closed.push(name)
      if (name === 'second') throw new Error(name)
    })
  }
  return { closers, closed }
}

it('closes everything in the reverse order, though one fails, and says which', async () => {
  const { closers, closed } = threeThings()
  await expect(closers.close()).rejects.toThrow('second')
  expect(closed).toEqual(['third', 'second', 'first'])
})

it('keeps quiet about closing where something failed before', async () => {
  const { closers, closed } = threeThings()
  await closers.close(new Error('before'))
  expect(closed).toHaveLength(3)
})
