import { describe, expect, it } from 'vitest'
import { defaultGateOptions, judge } from '../../lib/learn/gate.ts'
import type { Resample } from '../../lib/learn/gate-comparisons.ts'
import type { GateInput, ModelSignals, ProbeSignals } from '../../lib/learn/gate-input.ts'

/** Pictures of a probe, enough for the finest bounds. */
const n = 1_600

const flat = (value: number, length = n) => new Float32Array(length).fill(value)
const probe = (mrr: number, consistency: number, length = n): ProbeSignals => ({
  mrr: flat(mrr, length),
  consistency: flat(consistency, length),
})

const model = (more: Partial<ModelSignals> = {}): ModelSignals => ({
  a: probe(0.5, 0.4),
  b: probe(0.5, 0.4),
  dim: 64,
  effectiveRank: 40,
  spread: 0.5,
  watched: {},
  ...more,
})

/** A candidate better than the champion on both probes, with some of its signals replaced. */
const better = (more: Partial<ModelSignals> = {}) =>
  model({ a: probe(0.5, 0.4), b: probe(0.6, 0.4), ...more })

/** The interval is the mean ± .001, so that a verdict hangs on nothing else. */
const resample: Resample = (difference) => {
  const mean = difference.reduce((sum, value) => sum + value, 0) / difference.length
  return { mean, low: mean - 0.001, high: mean + 0.001, sd: 0.2 }
}

const verdictOn = (candidate: ModelSignals, more: Partial<GateInput> = {}, minProbe?: number) => {
  const others = { champion: model(), baseline: model() }
  const plain = { isChampionBaseline: false, overlap: 0.5, artifactFault: undefined }
  return judge({ ...others, ...plain, candidate, ...more }, resample, minProbe)
}

describe('judge without labels', () => {
  it('promotes a candidate that finds more new pictures and loses nothing', () => {
    expect(verdictOn(better())).toMatchObject({ verdict: 'promote', needsPictures: undefined })
  })

  it('tolerates a small loss on old pictures and in consistency', () => {
    const loss = better({ a: probe(0.497, 0.397), b: probe(0.6, 0.397) })
    expect(verdictOn(loss).verdict).toBe('promote')
  })

  it.each([
    ['MRR on new pictures', { b: probe(0.5, 0.4) }],
    ['MRR on old pictures', { a: probe(0.494, 0.4) }],
    ['consistency on old pictures', { a: probe(0.5, 0.394) }],
    ['consistency on new pictures', { b: probe(0.6, 0.394) }],
  ])('holds a candidate whose %s misses its bound, and says so', (name, more) => {
    const { verdict, reason } = verdictOn(better(more))
    expect(verdict).toBe('hold')
    expect(reason).toContain(name)
  })

  it('says how many more pictures would show a gain of .01', () => {
    const held = verdictOn(better({ b: probe(0.5, 0.4) }))
    expect(held.needsPictures).toBe(56 ** 2 - n)
    expect(held.reason).toContain(`${56 ** 2 - n} more`)
  })

  it.each([
    ['spread', { spread: 0.019 }],
    ['spread', { spread: Number.NaN }],
    ['effective rank', { effectiveRank: 9 }],
  ])('rejects for %s a candidate with %o, however good it seems', (word, more) => {
    const { verdict, reason } = verdictOn(better(more))
    expect(verdict).toBe('reject')
    expect(reason).toContain(word)
  })

  it('rejects a space in which the neighbours changed', () => {
    expect(verdictOn(better(), { overlap: 0.19 }).reason).toContain('overlap')
    expect(verdictOn(better(), { overlap: 0.2 }).verdict).toBe('promote')
  })

  it('rejects an artifact that does not serve, before anything else', () => {
    const fault = verdictOn(better({ spread: 0 }), { artifactFault: 'digest differs' })
    expect(fault).toMatchObject({ verdict: 'reject' })
    expect(fault.reason).toContain('digest differs')
  })

  it('asks nobody to stay near the frozen backbone', () => {
    const { verdict, figures } = verdictOn(better(), { overlap: undefined })
    expect(verdict).toBe('promote')
    expect(figures).not.toHaveProperty('overlap')
  })

  it('asks for a gain on old and new pictures together while there is nothing to lose', () => {
    const first = { isChampionBaseline: true, overlap: undefined }
    const onOld = model({ a: probe(0.6, 0.4), b: probe(0.499, 0.4) })
    expect(verdictOn(onOld).verdict).toBe('hold')
    const { verdict, comparisons } = verdictOn(onOld, first)
    expect(verdict).toBe('promote')
    expect(comparisons['MRR on held-out pictures']).toMatchObject({
      candidate: expect.closeTo(0.5495),
      champion: expect.closeTo(0.5),
    })
    const onNone = verdictOn(model({ a: probe(0.501, 0.4), b: probe(0.499, 0.4) }), first)
    expect(onNone.verdict).toBe('hold')
    const unsteady = verdictOn(model({ a: probe(0.6, 0.38), b: probe(0.6, 0.4) }), first)
    expect(unsteady.reason).toContain('consistency on held-out pictures')
  })

  it('judges all held-out pictures as one where recent ones are too few', () => {
    const { b: _, ...one } = model({ a: probe(0.6, 0.4) })
    const { b: __, ...champion } = model()
    expect(verdictOn(one, { champion, baseline: champion }).verdict).toBe('promote')
    const same = verdictOn(champion, { champion, baseline: champion })
    expect(same.reason).toContain('MRR on held-out pictures')
  })

  it('decides nothing by a figure that is only watched', () => {
    const champion = model({ watched: { stability: 0.9 } })
    const { verdict, figures } = verdictOn(better({ watched: { stability: 0.1 } }), { champion })
    expect(verdict).toBe('promote')
    expect(figures).toMatchObject({ stability: 0.1, 'champion stability': 0.9 })
  })

  it('holds what too small a probe judges, but rejects a collapse on it', () => {
    const few = { a: probe(0.5, 0.4, 30), b: probe(0.6, 0.4, 30) }
    const small = { champion: model({ a: probe(0.5, 0.4, 30), b: probe(0.5, 0.4, 30) }) }
    expect(verdictOn(better(few), small)).toMatchObject({ verdict: 'hold', needsPictures: 70 })
    expect(verdictOn(better(few), small, 20).verdict).toBe('promote')
    expect(verdictOn(better({ ...few, spread: 0 }), small).verdict).toBe('reject')
  })

  it('warns first of a candidate below the baseline', () => {
    const { verdict, reason } = verdictOn(better(), { baseline: model({ b: probe(0.7, 0.4) }) })
    expect(verdict).toBe('promote')
    expect(reason).toMatch(/^below the frozen baseline in MRR on new pictures/)
  })

  it('shows every comparison with its means', () => {
    const { comparisons, figures } = verdictOn(better({ watched: { churn: 0.1 } }))
    expect(Object.keys(comparisons)).toHaveLength(4)
    expect(comparisons['MRR on new pictures']?.candidate).toBeCloseTo(0.6, 5)
    expect(comparisons['MRR on new pictures']?.champion).toBeCloseTo(0.5, 5)
    expect(figures).toMatchObject({ effectiveRank: 40, overlap: 0.5, churn: 0.1 })
  })
})

describe('judge with labels', () => {
  const labels = (mapAtR: number, recallAt1: number) => ({
    mapAtR: flat(mapAtR),
    recallAt1: flat(recallAt1),
  })
  const labelled = (mapAtR: number, recallAt1: number) => ({
    labelled: {
      candidate: labels(mapAtR, recallAt1),
      champion: labels(0.3, 0.8),
      baseline: labels(0.2, 0.7),
    },
  })

  it('goes by MAP@R in place of the primaries', () => {
    const worse = model({ a: probe(0.1, 0.1), b: probe(0.1, 0.1) })
    expect(verdictOn(worse, labelled(0.31, 0.8)).verdict).toBe('promote')
    expect(verdictOn(better(), labelled(0.3, 0.8)).verdict).toBe('hold')
  })

  it('keeps the vetoes, and rejects a clear loss of Recall@1', () => {
    expect(verdictOn(better({ spread: 0 }), labelled(0.4, 0.9)).verdict).toBe('reject')
    expect(verdictOn(better(), labelled(0.4, 0.76)).reason).toContain('Recall@1')
    expect(verdictOn(better(), labelled(0.4, 0.78)).verdict).toBe('promote')
    expect(defaultGateOptions.maxRecallLoss).toBe(0.03)
  })

  it('shows both figures beside those of champion and baseline', () => {
    const { comparisons, reason } = verdictOn(better(), labelled(0.4, 0.78))
    expect(comparisons).toMatchObject({
      'MAP@R on labels': { candidate: expect.closeTo(0.4), baseline: expect.closeTo(0.2) },
      'Recall@1 on labels': { candidate: expect.closeTo(0.78), champion: expect.closeTo(0.8) },
    })
    expect(reason).toContain('MAP@R on labels +0.100')
    expect(reason).toContain('Recall@1 on labels −0.020')
  })
})
