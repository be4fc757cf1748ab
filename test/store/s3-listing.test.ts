import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { pairedListing } from '../../lib/store/s3-listing.ts'

const digestOf = (n: number) => n.toString(16).padStart(64, '0')

async function* listed(prefix: string, names: readonly string[]) {
  for (const name of names) yield { key: `${prefix}/${name}`, bytes: 1, at: 0 }
}

it('shows each digest of two listings once, in order, with what is there', async () => {
  const some = fc.uniqueArray(fc.nat({ max: 20 }))
  await fc.assert(
    fc.asyncProperty(some, some, async (left, right) => {
      const names = (numbers: number[]) => numbers.map(digestOf).toSorted()
      const pairs = await Array.fromAsync(
        pairedListing(listed('blobs/aa', names(left)), listed('kept/aa', names(right))),
      )
      expect(pairs.map(({ digest }) => digest)).toEqual(names([...new Set([...left, ...right])]))
      for (const { digest, own, copy } of pairs) {
        expect(own?.key).toBe(names(left).includes(digest) ? `blobs/aa/${digest}` : undefined)
        expect(copy?.key).toBe(names(right).includes(digest) ? `kept/aa/${digest}` : undefined)
      }
    }),
    { seed: 5, numRuns: 200 },
  )
})

it('leaves out what is no blob', async () => {
  const names = ['README', digestOf(1), 'x'.repeat(64)]
  const pairs = await Array.fromAsync(pairedListing(listed('a', names), listed('b', [])))
  expect(pairs.map(({ digest }) => digest)).toEqual([digestOf(1)])
})
