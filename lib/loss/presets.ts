import type { PairLossParams } from './options.ts'

/** Names of {@link lossPresets}. */
export type LossPreset = 'calibrated' | 'paper' | 'multi-similarity'

const multiSimilarity: PairLossParams = {
  aP: 0.5,
  bP: 0.5,
  aN: 0.5,
  bN: 1 / 40,
  margin: 0.1,
  lambda: 0,
  gamma: 0,
  reduction: 'mean',
}

/**
 * The pair loss's named settings.
 *
 * - `calibrated` (default): bounded slopes, the sharp negative term of multi-similarity, and the
 *   variance term at the strength that costs nothing beyond noise.
 * - `paper`: the numbers of Kan et al. (2023), for fine-tuning a strong network at low rates.
 * - `multi-similarity`: Wang et al. (2019), α = 2, β = 40, threshold .5, with its miner at .1.
 */
export const lossPresets: Readonly<Record<LossPreset, PairLossParams>> = {
  calibrated: { ...multiSimilarity, lambda: 0.25, gamma: 0.2 },
  paper: {
    aP: 0.5,
    bP: 0.5,
    kappaP: 1,
    aN: 1,
    bN: 0.01,
    kappaN: 1,
    margin: 0.1,
    lambda: 1,
    gamma: 0.2,
    reduction: 'sum',
  },
  'multi-similarity': multiSimilarity,
}
