import { describe, expect, it } from 'vitest'
import type { Clustering } from '../../lib/cluster/clustering.ts'
import { identitiesOf, matchRound, mergeRound } from '../../lib/learn/merge-round.ts'
import type { RoundResult } from '../../lib/learn/round-result.ts'
import type { LearnerState, StudentState } from '../../lib/learn/state.ts'
import { bufferOf, entryOf, learnerWith, matrixOf } from './states.ts'

type Judged = Extract<RoundResult, { readonly outcome: 'judged' }>

const student = (value: number): StudentState => ({
  weights: [Float32Array.of(value)],
  optimizerStep: value,
  first: Float32Array.of(0),
  second: Float32Array.of(0),
  architecture: 'test',
})

const axes = matrixOf([
  [1, 0],
  [0, 1],
])

/** A round over pictures with these labels of two clusters, on the two axes. */
function judged(labels: readonly number[], more: Partial<Judged['candidate']> = {}, number = 1) {
  const clustering = {
    k: 2,
    labels: Int32Array.from(labels),
    counts: Int32Array.from([0, 1].map((label) => labels.filter((one) => one === label).length)),
    similarity: Float32Array.from(labels, (label) => (label === 0 ? 0.5 : 0.25)),
  } as Clustering
  const trusted = new Uint8Array(labels.length).fill(1)
  return {
    outcome: 'judged',
    report: { number, k: 2 } as Judged['report'],
    candidate: { clustering, trusted, centroids: axes, mean: Float32Array.of(0, 0), ...more },
    student: student(2),
    verdict: { verdict: 'hold' },
  } as Judged
}

const ids = (count: number) => Array.from({ length: count }, (_, i) => `p${i}`)
const half = (count: number) => Array.from({ length: count }, (_, i) => (2 * i < count ? 0 : 1))
const merged = (state: LearnerState, result = judged(half(8)), present = state) =>
  mergeRound(state, present, result, ids(8), 'model')

describe('mergeRound', () => {
  it('gives every picture of the round the identity of its cluster', () => {
    const { state } = merged(learnerWith(8))
    const identities = [...state.buffer.entries.values()].map(({ identity }) => identity)
    expect(identities).toEqual([0, 0, 0, 0, 1, 1, 1, 1])
    expect(state.clusters).toMatchObject({ k: 2, chosenAt: 8, nextIdentity: 2, model: 'model' })
    expect(state.clusters?.known).toEqual([
      { identity: 0, bornIn: 1, size: 4, cohesion: 0.5 },
      { identity: 1, bornIn: 1, size: 4, cohesion: 0.25 },
    ])
    expect(state.clusters?.events.map(({ kind }) => kind)).toEqual(['birth', 'birth'])
  })

  it('keeps identities where clusters come back in another order', () => {
    const first = merged(learnerWith(8)).state
    const turned = { centroids: matrixOf([[0, 1], [1, 0]]) } // biome-ignore format: a small matrix
    const swapped = judged(
      half(8).map((label) => 1 - label),
      turned,
      2,
    )
    const { state } = merged(first, swapped)
    expect(matchRound(first, swapped, ids(8))).toMatchObject({ churn: 0, nmi: 1 })
    expect(state.clusters?.known.map(({ identity, bornIn }) => [identity, bornIn])).toEqual([
      [1, 1],
      [0, 1],
    ])
    expect(state.buffer.entries.get('p0')?.identity).toBe(0)
  })

  it('matches by shared pictures where the width of the space has changed', () => {
    const first = merged(learnerWith(8)).state
    const wide = matrixOf([
      [1, 0, 0],
      [0, 1, 0],
    ])
    const next = judged(half(8), { centroids: wide }, 2)
    const { state } = merged(first, next)
    expect(matchRound(first, next, ids(8)).churn).toBe(0)
    expect(state.clusters?.known.map(({ identity }) => identity)).toEqual([0, 1])
  })

  it('says how much of the last clustering a round confirms', () => {
    expect(matchRound(learnerWith(8), judged(half(8)), ids(8)).nmi).toBeUndefined()
    const first = merged(learnerWith(8)).state
    const mixed = judged([0, 1, 0, 1, 0, 1, 0, 1], {}, 2)
    expect(matchRound(first, mixed, ids(8))).toMatchObject({ churn: 0.5, nmi: 0 })
  })

  it('keeps what came in meanwhile, as new', () => {
    const frozen = learnerWith(8)
    const { state } = merged(frozen, judged(half(8)), learnerWith(11))
    expect(state.buffer.entries.size).toBe(11)
    expect(state.buffer.freshFrom).toBe(8)
    expect(state.buffer.entries.get('p9')).toEqual(entryOf('p9', 9))
  })

  it('brings no picture back that left meanwhile', () => {
    const present = { ...learnerWith(8), buffer: bufferOf([entryOf('p1', 1), entryOf('p7', 7)]) }
    const { state } = merged(learnerWith(8), judged(half(8)), present)
    expect([...state.buffer.entries.keys()]).toEqual(['p1', 'p7'])
  })

  it('releases a picture that five rounds running did not trust', () => {
    const trusted = Uint8Array.of(0, 1, 1, 1, 1, 1, 1, 1)
    let state = learnerWith(8)
    for (let number = 1; number <= 4; number += 1) {
      const next = merged(state, judged(half(8), { trusted }, number))
      expect(next.released).toEqual([])
      state = next.state
    }
    const pardoned = merged(state, judged(half(8), {}, 5)).state
    expect(pardoned.buffer.entries.get('p0')?.untrusted).toBe(0)
    const last = merged(state, judged(half(8), { trusted }, 5))
    expect(last.released).toEqual(['p0'])
    expect(last.state.buffer.entries.has('p0')).toBe(false)
    expect(last.state.buffer.rejected).toEqual({ untrusted: 1 })
  })

  it.each([
    ['promote', 2],
    ['hold', 2],
    ['reject', 1],
  ] as const)('after %s goes on from the weights it should', (verdict, step) => {
    const frozen = { ...learnerWith(8), student: student(1) }
    const result = judged(half(8))
    const judgedSo = { ...result, verdict: { ...result.verdict, verdict } }
    expect(merged(frozen, judgedSo).state.student?.optimizerStep).toBe(step)
  })
})

describe('identitiesOf', () => {
  it('knows nothing before the first clustering', () => {
    expect(identitiesOf(learnerWith(3))).toMatchObject({ next: 0, identities: [], ids: [] })
  })

  it('names the clusters of the pictures that are still buffered', () => {
    const { state } = merged(learnerWith(8))
    const set = identitiesOf({
      ...state,
      buffer: bufferOf([...state.buffer.entries.values()].slice(3, 6)),
    })
    expect(set).toMatchObject({ next: 2, identities: [0, 1], ids: ['p3', 'p4', 'p5'] })
    expect([...set.labels]).toEqual([0, 1, 1])
  })
})
