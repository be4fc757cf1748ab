import { describe, expect, it } from 'vitest'
import { tf } from '../../lib/engine/tf.ts'
import { type Judged, judgeSignals } from '../../lib/learn/signals.ts'
import { augmentationMrr } from '../../lib/metric/augmentation-mrr.ts'
import { centreRows } from '../../lib/metric/centre.ts'
import { effectiveRank, spread } from '../../lib/metric/rank.ts'
import { conv4 } from '../../lib/model/conv4.ts'
import { embedMatrix } from '../../lib/model/encoder.ts'
import { flatten } from '../../lib/model/flatten.ts'
import { writeWeights } from '../../lib/model/weights.ts'
import { tinyIds, tinyPictures, tinySize } from './tiny.ts'

const pictures = tinyPictures()
const probes = { a: tinyIds(6, 5), b: tinyIds(6, 4, 100) }
const network = conv4({ size: tinySize, channels: 1, dim: 8, seed: 1 })
const mean = (await (async () => centreRows(await pictures.embed(network, probes.a)))()).mean
const judged = (more: { a: string[]; b: string[] } = probes, seed = 1): Promise<Judged> =>
  judgeSignals({ network, mean }, pictures, more, seed)
const average = (values: Float32Array) => values.reduce((sum, v) => sum + v, 0) / values.length

describe('judgeSignals', () => {
  it('gives each probe picture its own figures, within their ranges', async () => {
    const { a, b = a } = (await judged()).signals
    expect([a.mrr.length, a.consistency.length]).toEqual([30, 30])
    expect([b.mrr.length, b.consistency.length]).toEqual([24, 24])
    for (const { mrr, consistency } of [a, b]) {
      expect(mrr.every((value) => value > 0 && value <= 1)).toBe(true)
      expect(consistency.every((value) => value >= 0 && value <= 1)).toBe(true)
    }
  })

  it('measures rank on centred vectors and spread before centring', async () => {
    const { signals, plainA } = await judged()
    const rows = await pictures.embed(network, probes.a)
    expect(plainA.data).toEqual(centreRows(rows, mean).matrix.data)
    expect(signals.effectiveRank).toBeCloseTo(effectiveRank(centreRows(rows, mean).matrix), 4)
    expect(signals.spread).toBeCloseTo(spread(rows), 4)
    expect(signals.dim).toBe(8)
  })

  it('has figures of one probe where there is one', async () => {
    const { signals } = await judged({ a: probes.a, b: [] })
    expect(signals).not.toHaveProperty('b')
  })

  it('makes a rank harder in a larger gallery', async () => {
    const alone = await judged({ a: probes.a, b: [] })
    const among = await judged()
    expect(average(among.signals.a.mrr)).toBeLessThan(average(alone.signals.a.mrr))
  })

  it('repeats itself for the same seed', async () => {
    expect(await judged()).toEqual(await judged())
    const { watched } = (await judged(probes, 2)).signals
    expect(watched).not.toEqual((await judged()).signals.watched)
  })

  it('tells a network that recognises pictures from one that is collapsed', async () => {
    const collapsed = conv4({ size: tinySize, channels: 1, dim: 8, seed: 1 })
    const zeros = collapsed.getWeights().map(({ size }) => new Float32Array(size))
    writeWeights(collapsed, [
      ...zeros.slice(0, -1).map((one) => one.fill(0.01)),
      ...zeros.slice(-1),
    ])
    const plain = await pictures.embed(collapsed, probes.a)
    const own = { network: collapsed, mean: centreRows(plain).mean }
    const bad = (await judgeSignals(own, pictures, probes, 1)).signals
    expect(bad.spread).toBeLessThan(0.02)
    const pixels = flatten({ size: tinySize, channels: 1 })
    const pixelMean = centreRows(await pictures.embed(pixels, probes.a)).mean
    const good = await judgeSignals({ network: pixels, mean: pixelMean }, pictures, probes, 1)
    expect(average(good.signals.a.mrr)).toBeGreaterThan(average(bad.a.mrr))
    expect(good.signals.spread).toBeGreaterThan(0.1)
  })

  it('centres the varied views as it centres the plain ones, and averages six of them', async () => {
    const { plainA, signals } = await judged({ a: probes.a, b: [] })
    const sums = new Float64Array(30)
    for (let view = 0; view < 6; view += 1) {
      const queries = await embedMatrix(network, [await pictures.hard(probes.a, view)], { mean })
      const ranks = await augmentationMrr(queries, plainA, Int32Array.from(probes.a.keys()))
      for (const [i, value] of ranks.entries()) sums[i] = (sums[i] as number) + value / 6
    }
    for (const [i, value] of sums.entries()) expect(signals.a.mrr[i]).toBeCloseTo(value, 4)
  })

  it('leaves no tensor behind', async () => {
    const before = tf.memory().numTensors
    await judged()
    expect(tf.memory().numTensors).toBe(before)
  })
})
