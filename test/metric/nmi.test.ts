import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { adjustedRand, meanNmi, nmi } from '../../lib/metric/nmi.ts'

const labeling = (n: number) =>
  fc
    .array(fc.integer({ min: 0, max: 5 }), { minLength: n, maxLength: n })
    .map((l) => Int32Array.from(l))
const pairOfLabelings = fc
  .integer({ min: 2, max: 40 })
  .chain((n) => fc.tuple(labeling(n), labeling(n)))
const renamed = (labels: Int32Array) => labels.map((label) => 100 - 7 * label)

describe.each([
  ['nmi', nmi],
  ['adjustedRand', adjustedRand],
])('%s', (_, measure) => {
  it('is 1 for a labeling under other names', () => {
    fc.assert(
      fc.property(pairOfLabelings, ([a]) => {
        expect(measure(a, renamed(a))).toBeCloseTo(1, 10)
      }),
      { seed: 1 },
    )
  })

  it('does not mind which labeling comes first', () => {
    fc.assert(
      fc.property(pairOfLabelings, ([a, b]) => {
        expect(measure(a, b)).toBeCloseTo(measure(b, a), 10)
      }),
      { seed: 2 },
    )
  })

  it('takes two labelings that put all together as equal', () => {
    expect(measure(new Int32Array(5), new Int32Array(5))).toBe(1)
  })
})

describe('nmi', () => {
  it('gives the value worked out by hand', () => {
    // I = ln 2 / 2 ... the second labeling splits one of two equal halves: H = ln 2 and 1.5 ln 2.
    const found = nmi(Int32Array.of(0, 0, 1, 1), Int32Array.of(0, 0, 1, 2))
    expect(found).toBeCloseTo((2 * 1) / (1 + 1.5), 12)
  })

  it('is 0 for labelings that tell nothing about each other', () => {
    expect(nmi(Int32Array.of(0, 0, 1, 1), Int32Array.of(0, 1, 0, 1))).toBeCloseTo(0, 12)
  })

  it('averages over the seeds of a clustering', () => {
    const truth = Int32Array.of(0, 0, 1, 1)
    expect(meanNmi(truth, [truth, Int32Array.of(0, 1, 0, 1)])).toBeCloseTo(0.5, 12)
  })
})

describe('adjustedRand', () => {
  /** The definition over all pairs of rows. */
  const byPairs = (a: Int32Array, b: Int32Array): number => {
    let [both, inA, inB, pairs] = [0, 0, 0, 0]
    for (let i = 0; i < a.length; i += 1) {
      for (let j = i + 1; j < a.length; j += 1) {
        const [sameA, sameB] = [a[i] === a[j], b[i] === b[j]]
        both += Number(sameA && sameB)
        inA += Number(sameA)
        inB += Number(sameB)
        pairs += 1
      }
    }
    const expected = (inA * inB) / pairs
    const most = (inA + inB) / 2
    return most === expected ? 1 : (both - expected) / (most - expected)
  }

  it('agrees with the count over all pairs', () => {
    fc.assert(
      fc.property(pairOfLabelings, ([a, b]) => {
        expect(adjustedRand(a, b)).toBeCloseTo(byPairs(a, b), 10)
      }),
      { seed: 3 },
    )
  })

  it('falls below 0 for labelings that cross more than chance has it', () => {
    expect(adjustedRand(Int32Array.of(0, 0, 1, 1), Int32Array.of(0, 1, 0, 1))).toBeCloseTo(-0.5, 12)
  })
})
