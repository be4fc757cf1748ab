import { defaultTrustOptions } from '../cluster/options.ts'
import type { PairLossParams } from '../loss/options.ts'
import type { LossPreset } from '../loss/presets.ts'
import { lossPresets } from '../loss/presets.ts'
import { isPretrained, type Recipe } from '../model/options.ts'
import { defaultSamplerOptions, type SamplerOptions } from './sampler.ts'

/** Settings of one round; every number is explicit, so that a frozen input repeats itself. */
export interface RoundSettings {
  readonly recipe: Recipe
  /** Optimiser steps at most, ≥ 1. */
  readonly steps: number
  /** Steps between clusterings, ≥ 1. */
  readonly recluster: number
  /** Time after which no further step begins, ms; undefined: no limit. */
  readonly maxRoundTimeMs: number | undefined
  /** Adam's rate and coupled weight decay. */
  readonly rate: number
  readonly weightDecay: number
  /** Share of the round over which the rate falls to 0 at its end, [0, 1]. */
  readonly cooldown: number
  /** Memory of the teacher, [0, 1); 0: the student takes its place. */
  readonly teacherDecay: number
  readonly loss: PairLossParams
  /** Thresholds follow the data (`adaptive`). */
  readonly adaptive: boolean
  readonly sampler: Required<SamplerOptions>
  /** Share of pictures with the smallest margin that is not trusted, [0, 1). */
  readonly marginDrop: number
  /** Clusters; undefined: chosen from the number of pictures. */
  readonly k: number | undefined
  /** How pictures are varied in training, and, harder, on the probes. */
  readonly augmentation: 'photograph' | 'glyph'
  /** Embedding width where a layer of ours makes it. */
  readonly dim: number
}

/** What differs between recipes. */
type RecipeDefaults = Pick<
  RoundSettings,
  'steps' | 'recluster' | 'rate' | 'weightDecay' | 'teacherDecay' | 'augmentation' | 'dim'
>

/** Defaults a recipe: `method.md` §6. `dim` of `finetune` is the backbone's own. */
export const recipeDefaults: Readonly<Record<Recipe, RecipeDefaults>> = {
  finetune: {
    steps: 1_000,
    recluster: 100,
    rate: 1e-4,
    weightDecay: 5e-4,
    teacherDecay: 0,
    augmentation: 'photograph',
    dim: 0,
  },
  scratch: {
    steps: 2_400,
    recluster: 50,
    rate: 1e-3,
    weightDecay: 5e-4,
    teacherDecay: 0,
    augmentation: 'glyph',
    dim: 64,
  },
  head: {
    steps: 200,
    recluster: 100,
    rate: 1e-3,
    weightDecay: 5e-4,
    teacherDecay: 0,
    augmentation: 'photograph',
    dim: 128,
  },
}

/** Steps of `finetune` on a pretrained backbone by name. */
const pretrainedSteps = 300

/**
 * Steps of a round that no setting names.
 *
 * A wide pretrained network is at its best early and then confirms its own pseudo-labels:
 * `mobilenet-v2` on Grocery-64 has MAP@R .351 on unseen classes after 300 steps and .320 after
 * 1,000, while MobileNetV1 of a quarter of the width still gains (`docs/results.md`).
 */
export function defaultSteps(recipe: Recipe, backbone: string): number {
  if (recipe === 'finetune' && isPretrained(backbone)) return pretrainedSteps
  return recipeDefaults[recipe].steps
}

/** Steps of a round while few pictures have come in. */
export const smallProfileSteps = 60

/** Settings of a recipe at their defaults, with some replaced. */
export function roundSettings(
  recipe: Recipe,
  replaced: Partial<Omit<RoundSettings, 'recipe'>> = {},
): RoundSettings {
  return {
    recipe,
    ...recipeDefaults[recipe],
    maxRoundTimeMs: undefined,
    cooldown: 0.3,
    loss: lossPresets.calibrated,
    adaptive: false,
    sampler: defaultSamplerOptions,
    marginDrop: defaultTrustOptions.marginDrop,
    k: undefined,
    ...replaced,
  }
}

/** A preset with some of its numbers replaced; absent ones keep the preset's. */
export function lossParams(preset: LossPreset, replaced: Partial<PairLossParams>): PairLossParams {
  const given = Object.entries(replaced).filter(([, value]) => value !== undefined)
  return { ...lossPresets[preset], ...Object.fromEntries(given) }
}
