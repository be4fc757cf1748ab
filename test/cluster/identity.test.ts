import { expect, it } from 'vitest'
import { type IdentityEvent, matchIdentities } from '../../lib/cluster/identity.ts'
import { type IdentitySet, identitySet, noIdentities } from '../../lib/cluster/identity-set.ts'
import { randomStream } from '../../lib/engine/random.ts'
import { blobs, toMatrix } from './blobs.ts'

const directions = blobs(40, 16, 40, 0, 8).rows
const idsOf = (n: number, from = 0) => Array.from({ length: n }, (_, i) => `image ${i + from}`)

/** A clustering by its labels; cluster c points in a direction of its own. */
function clustering(labels: readonly number[], toward = (cluster: number) => cluster) {
  const k = Math.max(...labels) + 1
  const rows = Array.from({ length: k }, (_, c) => directions[toward(c)] as number[])
  return { k, labels: Int32Array.from(labels), centroids: toMatrix(rows) }
}

/** Clusterings one after another, all of the same images unless told. */
function follow(...steps: (readonly number[])[]) {
  let before: IdentitySet = noIdentities
  return steps.map((labels) => {
    const next = clustering(labels)
    const matched = matchIdentities(before, next, idsOf(labels.length))
    before = identitySet(matched, next, idsOf(labels.length))
    return matched
  })
}

/** Labels with that many images of each cluster, one cluster after the other. */
const runs = (...sizes: number[]) =>
  sizes.flatMap((size, cluster) => new Array<number>(size).fill(cluster))

it('gives every cluster an identity of its own at first', () => {
  const [first] = follow(runs(6, 7))
  expect(first).toEqual({
    identities: [0, 1],
    next: 2,
    churn: 0,
    events: [
      { kind: 'birth', identity: 0, images: 6 },
      { kind: 'birth', identity: 1, images: 7 },
    ],
  })
})

it('keeps identities when the clusters are only renumbered', () => {
  const labels = runs(6, 7, 8)
  const swap = [2, 0, 1]
  const [, second] = follow(
    labels,
    labels.map((label) => swap[label] as number),
  )
  expect(second).toEqual({ identities: [1, 2, 0], next: 3, churn: 0, events: [] })
})

it('keeps the identity with the larger part of a split, and says what split off', () => {
  const [, second] = follow(runs(20, 10), [
    ...runs(14),
    ...new Array(6).fill(2),
    ...new Array(10).fill(1),
  ])
  expect(second?.identities).toEqual([0, 1, 2])
  expect(second?.events).toEqual([{ kind: 'split', identity: 2, from: 0, images: 6 }])
  expect(second?.churn).toBeCloseTo(6 / 30, 12)
})

it('says into which identity one was merged', () => {
  const [, second] = follow(runs(14, 6, 10), [...new Array(20).fill(0), ...new Array(10).fill(1)])
  expect(second?.identities).toEqual([0, 2])
  expect(second?.events).toEqual([{ kind: 'merge', identity: 1, into: 0, images: 6 }])
})

it('calls a cluster of images from everywhere born, and one that scattered dead', () => {
  const before = runs(20, 20, 20, 12)
  // 4 images of each of the first three form a new cluster; the 12 of the last scatter.
  const after = before.map((label, i) => (label === 3 ? i % 3 : i % 20 < 4 ? 3 : label))
  const [, second] = follow(before, after)
  expect(second?.identities).toEqual([0, 1, 2, 4])
  expect(second?.events).toEqual([
    { kind: 'birth', identity: 4, images: 12 },
    { kind: 'death', identity: 3, images: 12 },
  ])
})

it('calls nothing a split or merge whose other side is gone itself', () => {
  const [, shattered] = follow(runs(20), runs(4, 4, 4, 4, 4)) // overlap .2: no one inherits
  expect(shattered?.events.map(({ kind }) => kind)).toEqual([
    ...new Array(5).fill('birth'),
    'death',
  ])
  const [, fused] = follow(runs(4, 4, 4, 4, 4), runs(20))
  expect(fused?.events.map(({ kind }) => kind)).toEqual(['birth', ...new Array(5).fill('death')])
})

it('never gives an identity twice', () => {
  const [, second, third] = follow(runs(10, 10), runs(20), runs(10, 10))
  expect(second?.next).toBe(2)
  const [kept, fresh] = [...(third?.identities ?? [])].sort((a, b) => a - b)
  expect(second?.identities).toEqual([kept])
  expect(fresh).toBe(2)
})

it('keeps identities by their centroids when all images are new', () => {
  const first = clustering(runs(6, 6))
  const before = identitySet(matchIdentities(noIdentities, first, idsOf(12)), first, idsOf(12))
  const swapped = clustering(runs(6, 6), (cluster) => 1 - cluster)
  const matched = matchIdentities(before, swapped, idsOf(12, 500))
  expect(matched.identities).toEqual([1, 0])
  expect(matched.churn).toBe(0)
  const elsewhere = clustering(runs(6, 6), (cluster) => cluster + 20)
  const parted = matchIdentities(before, elsewhere, idsOf(12, 500))
  expect(parted.identities).toEqual([2, 3])
  expect(parted.events.map(({ kind }: IdentityEvent) => kind)).toEqual([
    'birth',
    'birth',
    'death',
    'death',
  ])
})

it('matches more than the best pair alone would allow', () => {
  // Jaccard: A and X .47, A and Y .36, B and X .36, B and Y 0. Greedy takes A and X.
  const before = runs(28, 10) // A, B
  const after = [...runs(18, 10), ...runs(10)] // X and Y of A, X of B
  const first = clustering(before)
  const known = identitySet(matchIdentities(noIdentities, first, idsOf(38)), first, idsOf(38))
  const next = { ...clustering(after), centroids: toMatrix([[1], [1]]) } // another dim: cosine 0
  const match = (greedyAbove: number) =>
    matchIdentities(known, next, idsOf(38), { greedyAbove }).identities
  expect(match(2)).toEqual([1, 0])
  expect(match(1)).toEqual([0, 2])
})

it('matches greedily above its limit as it would below, where clusters hardly change', () => {
  const random = randomStream(3, 'noise')
  const before = Array.from({ length: 400 }, (_, i) => i % 40)
  const shuffled = random.shuffled(Array.from({ length: 40 }, (_, i) => i))
  const after = before.map((label) => shuffled[random.uniform() < 0.1 ? 0 : label] as number)
  expect(new Set(after).size).toBe(40)
  const first = clustering(before)
  const known = identitySet(matchIdentities(noIdentities, first, idsOf(400)), first, idsOf(400))
  const [hungarian, greedy] = [2_000, 10].map((greedyAbove) =>
    matchIdentities(known, clustering(after), idsOf(400), { greedyAbove }),
  )
  expect(greedy).toEqual(hungarian)
  expect(hungarian?.churn).toBeLessThan(0.2)
})

it('gives identities that are all different and new ones from next on, whatever comes in', () => {
  const random = randomStream(4, 'history')
  const step = () =>
    runs(...Array.from({ length: 3 + random.integer(5) }, () => 1 + random.integer(9)))
  let before = noIdentities
  const gone = new Set<number>()
  for (let round = 0; round < 60; round += 1) {
    const labels = step()
    const next = clustering(labels)
    const ids = idsOf(labels.length, random.integer(20))
    const matched = matchIdentities(before, next, ids)
    expect(new Set(matched.identities).size).toBe(next.k)
    for (const identity of matched.identities) {
      const isKept = before.identities.includes(identity)
      expect(isKept || (identity >= before.next && identity < matched.next)).toBe(true)
      expect(gone.has(identity)).toBe(false)
    }
    for (const identity of before.identities) {
      if (!matched.identities.includes(identity)) gone.add(identity)
    }
    const ends = matched.events.filter(({ kind }) => kind === 'death' || kind === 'merge')
    const begins = matched.events.filter(({ kind }) => kind === 'birth' || kind === 'split')
    expect(next.k - before.identities.length).toBe(begins.length - ends.length)
    before = identitySet(matched, next, ids)
  }
  expect(gone.size).toBeGreaterThan(10)
})
