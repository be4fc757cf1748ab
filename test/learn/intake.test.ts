import { describe, expect, it } from 'vitest'
import { defaultBufferOptions } from '../../lib/learn/buffer.ts'
import { defaultDuplicateOptions } from '../../lib/learn/duplicates.ts'
import { defaultHeldOutOptions, heldOutPictures } from '../../lib/learn/held-out.ts'
import { type Arrival, admit, type Champion, type IntakeOptions } from '../../lib/learn/intake.ts'
import { type ClusterState, emptyState, type LearnerState } from '../../lib/learn/state.ts'
import { entryOf, learnerWith, matrixOf } from './states.ts'

const options: IntakeOptions = {
  buffer: { ...defaultBufferOptions, policy: 'fifo' },
  duplicates: defaultDuplicateOptions,
  heldOut: defaultHeldOutOptions,
  maxGroup: 3,
  seed: 1,
}
const champion: Champion = { digest: 'champion', isCentred: true }

/** Picture number `i`, unlike every other one. */
function arrival(i: number, more: Partial<Arrival> = {}): Arrival {
  const id = i.toString(16).padStart(4, '0').padEnd(64, '0')
  // Multiplied by an odd 64-bit number, hashes of small numbers lie far apart.
  const spread = BigInt.asUintN(64, BigInt(i + 1) * 0x9e3779b97f4a7c15n)
  const fingerprint = spread.toString(16).padStart(16, '0')
  const embedding = Float32Array.of(Math.cos(i), Math.sin(i))
  return { id, source: 'camera', at: i, fingerprint, embedding, reference: undefined, ...more }
}

const uncentred: Champion = { ...champion, isCentred: false }
const many = (count: number) => Array.from({ length: count }, (_, i) => arrival(i))
/** Nothing is held out. */
const trainingOnly = { ...options, heldOut: { ...defaultHeldOutOptions, firstFill: 0, fill: 0 } }
const seedWithoutProbe = 3

describe('admit', () => {
  it('sends every distinct picture to the buffer or the held-out sets, never to both', () => {
    const { state, fates } = admit(emptyState, many(200), uncentred, options)
    const held = heldOutPictures(state.heldOut).map(({ id }) => id)
    expect(held.length).toBeGreaterThan(20)
    expect(held.filter((id) => state.buffer.entries.has(id))).toEqual([])
    expect(held.length + state.buffer.entries.size).toBe(200)
    expect(fates.filter((fate) => fate === 'held-out')).toHaveLength(held.length)
    expect(state.seen.applied).toBe(200)
  })

  it('gives the same state for one batch as for many', () => {
    const whole = admit(emptyState, many(60), uncentred, options).state
    let parts: LearnerState = emptyState
    for (const one of many(60)) parts = admit(parts, [one], uncentred, options).state
    expect(parts).toEqual(whole)
  })

  it('calls a picture rejected that a full reservoir turns away, and releases only others', () => {
    const reservoir = { ...defaultBufferOptions, policy: 'reservoir' as const, capacity: 10 }
    const { state, fates, released } = admit(emptyState, many(80), uncentred, {
      ...trainingOnly,
      buffer: reservoir,
      seed: seedWithoutProbe,
    })
    const admitted = many(80)
      .filter((_, i) => fates[i] === 'admitted')
      .map(({ id }) => id)
    expect(new Set([...state.buffer.entries.keys(), ...released])).toEqual(new Set(admitted))
    expect(state.buffer.rejected['evicted']).toBe(released.length)
    expect(state.buffer.rejected['turned-away']).toBe(
      fates.filter((fate) => fate === 'rejected').length,
    )
    expect(released.length).toBeGreaterThan(0)
  })

  it('takes a picture once, within a batch and across batches', () => {
    const first = admit(emptyState, [arrival(1), arrival(1)], uncentred, options)
    const again = admit(first.state, [arrival(1)], uncentred, options)
    expect(first.fates[1]).toBe('duplicate')
    expect(again.fates).toEqual(['duplicate'])
    expect(again.state).toEqual(first.state)
    expect(again.state.seen.applied).toBe(1)
  })

  it('leaves pictures of the labelled probe out, and holds out what looks like them', () => {
    const labelled = arrival(0)
    const alike = arrival(100, { fingerprint: labelled.fingerprint })
    const given = { ...trainingOnly, labelled: new Set([labelled.id]) }
    const { state, fates } = admit(emptyState, [labelled, alike, arrival(1)], uncentred, given)
    expect(fates).toEqual(['rejected', 'held-out', 'admitted'])
    expect([...state.buffer.entries.keys()]).toEqual([arrival(1).id])
    expect(state.buffer.rejected).toEqual({ labelled: 1 })
    expect(state.seen.applied).toBe(3)
  })

  it('keeps three pictures of a duplicate group and counts the others', () => {
    const same = Array.from({ length: 5 }, (_, i) =>
      arrival(i, { fingerprint: '00ff00ff00ff00ff' }),
    )
    const { state, fates } = admit(emptyState, same, uncentred, options)
    expect(fates.slice(3)).toEqual(['rejected', 'rejected'])
    expect(new Set(fates.slice(0, 3)).size).toBe(1)
    expect(state.buffer.rejected).toEqual({ 'near-duplicate': 2 })
    const kept = [...state.buffer.entries.values(), ...heldOutPictures(state.heldOut)]
    expect(kept.map(({ group }) => group)).toEqual(Array(3).fill(arrival(0).id))
  })

  it('sends near-duplicates where their group went, whatever their own names say', () => {
    for (let i = 0; i < 20; i += 1) {
      const one = arrival(i)
      const alike = [arrival(i + 100), arrival(i + 200)].map((other) => ({
        ...other,
        fingerprint: one.fingerprint,
      }))
      expect(new Set(admit(emptyState, [one, ...alike], uncentred, options).fates).size).toBe(1)
    }
  })

  it('compares embeddings of a centred champion only', () => {
    const parallel = [0, 1, 2, 3].map((i) => arrival(i, { embedding: Float32Array.of(1, 0) }))
    const rejectedBy = (model: Champion) =>
      admit(emptyState, parallel, model, options).state.buffer.rejected
    expect(rejectedBy(champion)).toEqual({ 'near-duplicate': 1 })
    expect(rejectedBy(uncentred)).toEqual({})
  })

  it('names the pictures that a full buffer evicts', () => {
    const small = { ...trainingOnly, buffer: { ...options.buffer, capacity: 5 } }
    const out = admit(emptyState, many(300), uncentred, small)
    const admitted = many(300).filter((_, i) => out.fates[i] === 'admitted')
    expect([...out.state.buffer.entries.keys()]).toEqual(admitted.slice(-5).map(({ id }) => id))
    const released = out.released.filter((id) => admitted.some((one) => one.id === id))
    expect(released).toEqual(admitted.slice(0, -5).map(({ id }) => id))
    expect(out.state.buffer.rejected).toEqual({ evicted: admitted.length - 5 })
  })

  it('gives a picture the identity of the nearest centroid of the same model', () => {
    const known = [7, 9].map((identity) => ({ identity, bornIn: 1, size: 1, cohesion: 1 }))
    const centroids = matrixOf([
      [1, 0],
      [0, 1],
    ])
    const shape = { k: 2, chosenAt: 9, nextIdentity: 10, events: [], mean: Float32Array.of(0, 0) }
    const clusters: ClusterState = { ...shape, known, centroids, model: 'champion' }
    const state = { ...emptyState, clusters }
    const upwards = arrival(1, { embedding: Float32Array.of(0.1, 0.9) })
    const admitted = (model: Champion) =>
      admit(state, [upwards], model, { ...options, seed: seedWithoutProbe }).state
    const identityBy = (model: Champion) => admitted(model).buffer.entries.get(upwards.id)
    const other = { ...champion, digest: 'other' }
    expect(identityBy(champion)).toMatchObject({ identity: 9 })
    expect(identityBy(other)).toMatchObject({ identity: undefined })
    expect(admitted(champion).clusters?.known.map(({ size }) => size)).toEqual([1, 2])
    expect(admitted(other).clusters).toBe(clusters)
  })

  it('rejects what would break a quota, and says which', () => {
    const entries = learnerWith(0).buffer.entries
    const sources = ['camera', 'b', 'c', 'd'].map((source, i) => entryOf(source, i, { source }))
    const buffer = {
      ...emptyState.buffer,
      entries: new Map([...entries, ...sources.map((entry) => [entry.id, entry] as const)]),
    }
    const tight = { ...options, seed: seedWithoutProbe, buffer: { ...options.buffer, capacity: 4 } }
    const { fates, state } = admit({ ...emptyState, buffer }, [arrival(1)], uncentred, tight)
    expect(fates).toEqual(['rejected'])
    expect(state.buffer.rejected).toEqual({ 'source-quota': 1 })
  })

  it('watches drift on every picture that has a reference row', () => {
    const level = { expected: 0, deviation: 0, threshold: 10, sum: 0 }
    const drift = { centroids: matrixOf([[1, 0]]), mean: Float32Array.of(0, 0), ...level }
    const far = many(3).map((one) => ({ ...one, reference: Float32Array.of(-1, 0) }))
    const watched = admit({ ...emptyState, drift }, far, uncentred, options).state
    expect(watched.drift?.sum).toBeCloseTo(6, 6)
    expect(admit({ ...emptyState, drift }, many(3), uncentred, options).state.drift).toEqual(drift)
  })
})
