import { describe, expect, it } from 'vitest'
import { lossPresets } from '../../lib/loss/presets.ts'

describe('lossPresets', () => {
  it('has the variance term on by default, and the multi-similarity loss beneath it', () => {
    const { lambda, gamma, ...base } = lossPresets.calibrated
    const { lambda: none, gamma: _, ...published } = lossPresets['multi-similarity']
    expect([lambda, gamma, none]).toEqual([0.25, 0.2, 0])
    expect(base).toEqual(published)
  })

  it('weighs each side by its temperature except in the paper', () => {
    const weights = Object.entries(lossPresets).map(([name, p]) => [name, p.kappaP, p.kappaN])
    expect(weights).toEqual([
      ['calibrated', undefined, undefined],
      ['paper', 1, 1],
      ['multi-similarity', undefined, undefined],
    ])
  })
})
