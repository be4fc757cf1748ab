import { describe, expect, it } from 'vitest'
import { CheckpointError } from '../../lib/errors.ts'
import { decodePart, encodePart, type PartContent } from '../../lib/learn/parts.ts'
import { emptyState, type LearnerState } from '../../lib/learn/state.ts'
import { type PartName, partNames, partOf, stateOf } from '../../lib/learn/state-parts.ts'
import { bufferOf, entryOf, matrixOf, pictureOf } from './states.ts'

const rows = matrixOf([
  [1, 0, 0],
  [0, 0.6, 0.8],
])

/** A learner with something in every field, absent numbers among it. */
const full: LearnerState = {
  buffer: {
    ...bufferOf([
      entryOf('p1', 0, { half: 'reservoir', untrusted: 2, identity: 4 }),
      entryOf('p2', 1, { group: 'p1', source: 'phone', at: 7 }),
    ]),
    offered: 5,
    freshFrom: 1,
    rejected: { evicted: 3 },
  },
  seen: {
    ids: new Set(['p1', 'p2']),
    recent: new Map([
      [
        'camera',
        [
          { id: 'p1', group: 'p1', fingerprint: '0f', embedding: undefined },
          { id: 'p2', group: 'p1', fingerprint: 'f0', embedding: Float32Array.of(0, 1, 0) },
        ],
      ],
      ['phone', [{ id: 'p3', group: 'p3', fingerprint: '1', embedding: rows.data.slice(3) }]],
    ]),
    groups: new Map([['p1', { pictures: 2, heldOut: true }]]),
    model: 'digest',
    applied: 3,
  },
  heldOut: { a: [pictureOf('a')], b: [], monitor: [pictureOf('m')] },
  drift: {
    centroids: rows,
    mean: Float32Array.of(0.1, 0.2, 0.3),
    expected: 0.25,
    deviation: 0.125,
    threshold: 3,
    sum: 1.5,
  },
  clusters: {
    k: 2,
    chosenAt: 40,
    nextIdentity: 9,
    known: [{ identity: 4, bornIn: 1, size: 20, cohesion: 0.5 }],
    model: 'digest',
    centroids: rows,
    mean: Float32Array.of(0, 0, 1),
    events: [
      { round: 1, kind: 'birth', identity: 4, of: undefined, pictures: 20 },
      { round: 2, kind: 'merge', identity: 5, of: 4, pictures: 6 },
    ],
  },
  student: {
    weights: [Float32Array.of(1, 2), Float32Array.of(3)],
    optimizerStep: 60,
    first: Float32Array.of(4, 5, 6),
    second: Float32Array.of(7, 8, 9),
    architecture: 'scratch:conv4',
  },
}

/** The parts of a state, by way of their bytes. */
function partsOf(state: LearnerState): Record<string, PartContent> {
  const parts = partNames.map((name) => [name, partOf(state, name)] as const)
  const present = parts.filter((pair): pair is [PartName, PartContent] => pair[1] !== undefined)
  return Object.fromEntries(present.map(([name, part]) => [name, decodePart(encodePart(part))]))
}

describe('partOf and stateOf', () => {
  it.each(partNames)('give the field %s back from its bytes', (name) => {
    expect(stateOf(partsOf(full))[name]).toEqual(full[name])
  })

  it('give back a learner that has seen nothing', () => {
    expect(stateOf(partsOf(emptyState))).toEqual(emptyState)
    expect(stateOf({})).toEqual(emptyState)
  })

  it('keep the buffer in the order of arrival', () => {
    const { entries } = stateOf(partsOf(full)).buffer
    expect([...entries.keys()]).toEqual(['p1', 'p2'])
  })

  it('have no part for what a young learner lacks', () => {
    expect(Object.keys(partsOf(emptyState))).toEqual(['buffer', 'seen', 'heldOut'])
  })
})

describe('stateOf', () => {
  const part = (name: PartName) => partsOf(full)[name] as PartContent
  const refused = (name: PartName, content: PartContent) =>
    expect(() => stateOf({ [name]: content }), name).toThrow(CheckpointError)

  it.each(partNames)('refuses a part %s without its form, and names it', (name) => {
    const { arrays, json } = part(name)
    refused(name, { arrays, json: {} })
    refused(name, { arrays, json: { ...json, more: 1 } })
    expect(() => stateOf({ [name]: { arrays, json: {} } })).toThrow(name)
  })

  it.each(['seen', 'drift', 'clusters', 'student'] as const)(
    'refuses a part %s that lacks its numbers',
    (name) => {
      const { arrays, json } = part(name)
      for (const key of Object.keys(arrays)) {
        const { [key]: _left, ...rest } = arrays
        refused(name, { json, arrays: rest })
        refused(name, { json, arrays: { ...arrays, [key]: new Float64Array(6) } })
      }
    },
  )

  it.each([
    ['seen', 'embeddings'],
    ['drift', 'centroids'],
    ['drift', 'mean'],
    ['clusters', 'centroids'],
    ['clusters', 'mean'],
  ] as const)('refuses a part %s whose %s are cut short', (name, key) => {
    const { arrays, json } = part(name)
    refused(name, { json, arrays: { ...arrays, [key]: arrays[key]?.slice(1) as Float32Array } })
  })
})
