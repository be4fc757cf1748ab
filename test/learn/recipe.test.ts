import { describe, expect, it } from 'vitest'
import { defaultSteps, lossParams, roundSettings } from '../../lib/learn/recipe.ts'
import { lossPresets } from '../../lib/loss/presets.ts'

describe('roundSettings', () => {
  it('takes the numbers of the recipe', () => {
    expect(roundSettings('scratch')).toMatchObject({ rate: 1e-3, recluster: 50, dim: 64 })
    expect(roundSettings('finetune')).toMatchObject({ rate: 1e-4, augmentation: 'photograph' })
    expect(roundSettings('head')).toMatchObject({ recipe: 'head', steps: 200, dim: 128 })
  })

  it('replaces what it is given and nothing else', () => {
    const plain = roundSettings('scratch')
    expect(roundSettings('scratch', { steps: 7, k: 3 })).toEqual({ ...plain, steps: 7, k: 3 })
  })
})

describe('defaultSteps', () => {
  it('ends early on a pretrained backbone by name, whose every weight trains', () => {
    expect(defaultSteps('finetune', 'mobilenet-v2')).toBe(300)
    expect(defaultSteps('finetune', './my-network')).toBe(1_000)
    expect(defaultSteps('head', 'mobilenet-v2')).toBe(200)
  })
})

describe('lossParams', () => {
  it('replaces numbers of a preset', () => {
    expect(lossParams('paper', { lambda: 0 })).toEqual({ ...lossPresets.paper, lambda: 0 })
  })

  it('keeps the numbers of the preset where none is given', () => {
    const absent = { lambda: undefined } as object
    expect(lossParams('calibrated', absent)).toEqual(lossPresets.calibrated)
  })
})
