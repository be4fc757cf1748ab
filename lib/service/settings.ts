import type { Config } from '../config/schema.ts'
import type { Engine } from '../engine/select.ts'
import { ConfigError } from '../errors.ts'
import type { Preprocessing } from '../image/options.ts'
import { defaultDuplicateOptions } from '../learn/duplicates.ts'
import { defaultHeldOutOptions } from '../learn/held-out.ts'
import type { IntakeOptions } from '../learn/intake.ts'
import {
  defaultSteps,
  lossParams,
  type RoundSettings,
  roundSettings,
  smallProfileSteps,
} from '../learn/recipe.ts'
import { profileOf, type StartOptions } from '../learn/start-rule.ts'
import type { LearnerState } from '../learn/state.ts'
import type { PairLossParams } from '../loss/options.ts'
import type { Normalisation, Recipe } from '../model/options.ts'

export { limitsOf } from './image-limits.ts'

/** `auto` in a setting, as an absence. */
type Given<T> = Exclude<T, 'auto'> | undefined
const given = <T>(value: T): Given<T> => (value === 'auto' ? undefined : (value as Given<T>))

/** Side of the pictures where the settings leave it open. */
const conv4Size = 28
const pretrainedSize = { CPU: 96, GPU: 224 }
/** Longest round on a CPU where the settings leave it open, ms. */
const maxRoundTimeMs = 600_000

/** What of the network is trained. @throws {@link ConfigError} if the engine cannot. */
export function recipeOf(config: Config, engine: Engine): Recipe {
  const { recipe, backbone } = config.model
  const wanted = given(recipe) ?? (backbone === 'conv4' ? 'scratch' : 'finetune')
  if (engine.hasConvolutionGradients || wanted === 'head') return wanted
  if (recipe === 'auto') return 'head'
  throw new ConfigError(
    `model.recipe: expected head on the ${engine.name} engine, got ${wanted}; \`contrastream engine install\` brings an engine for it`,
  )
}

/** How pictures become inputs of the backbone. */
export function preprocessingOf(
  config: Config,
  engine: Engine,
  backbone: Normalisation & { readonly size: number | undefined },
): Preprocessing {
  const { size, channels, background } = config.image
  const isConv4 = config.model.backbone === 'conv4'
  const open = isConv4 ? conv4Size : pretrainedSize[engine.device === 'CUDA' ? 'GPU' : 'CPU']
  const side = given(size) ?? backbone.size ?? open
  if (backbone.size !== undefined && side !== backbone.size) {
    throw new ConfigError(`image.size: expected ${backbone.size}, the backbone's own, got ${side}`)
  }
  return { size: side, channels, background, mean: backbone.mean, std: backbone.std }
}

/**
 * How pictures get into the learner's state.
 *
 * @param labelled - Image ids of the labelled probe.
 */
export function intakeOf(config: Config, labelled: ReadonlySet<string>): IntakeOptions {
  return {
    buffer: config.learn.buffer,
    duplicates: defaultDuplicateOptions,
    heldOut: defaultHeldOutOptions,
    maxGroup: 3,
    seed: config.seed,
    labelled,
  }
}

/** When a round starts. */
export function startOf(config: Config): StartOptions {
  const { start, profile, k, minInterval } = config.learn
  const options = {
    profile: given(profile),
    buffered: given(start.buffered),
    fresh: given(start.fresh),
    k: given(k),
  }
  const present = Object.entries(options).filter(([, value]) => value !== undefined)
  return { ...Object.fromEntries(present), onDrift: start.onDrift, minInterval }
}

function lossOf(config: Config): { loss: PairLossParams; adaptive: boolean } {
  const { preset, ...numbers } = config.learn.loss
  const adaptive = preset === 'adaptive'
  const replaced = Object.entries(numbers).filter(([, value]) => value !== 'auto')
  return {
    loss: lossParams(adaptive ? 'calibrated' : preset, Object.fromEntries(replaced)),
    adaptive,
  }
}

/** Settings of the next round. */
export function roundSettingsOf(
  config: Config,
  engine: Engine,
  state: LearnerState,
): RoundSettings {
  const { learn, model } = config
  const recipe = recipeOf(config, engine)
  const isSmall = profileOf(state, startOf(config)) === 'small'
  const limit = given(learn.maxRoundTime) ?? (engine.device === 'CUDA' ? undefined : maxRoundTimeMs)
  const replaced = {
    steps:
      given(learn.steps) ?? (isSmall ? smallProfileSteps : defaultSteps(recipe, model.backbone)),
    recluster: given(learn.recluster),
    rate: given(learn.optimiser.rate),
    weightDecay: given(learn.optimiser.weightDecay),
    cooldown: given(learn.optimiser.cooldown),
    teacherDecay: given(learn.optimiser.teacherDecay),
    dim: given(model.dim),
  }
  const present = Object.entries(replaced).filter(([, value]) => value !== undefined)
  return roundSettings(recipe, {
    ...Object.fromEntries(present),
    ...lossOf(config),
    augmentation: model.backbone === 'conv4' ? 'glyph' : 'photograph',
    maxRoundTimeMs: limit,
    sampler: { ...learn.batch, views: 2 },
    marginDrop: learn.trust.marginDrop,
    k: given(learn.k),
  })
}
