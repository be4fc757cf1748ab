/** What of a network is trained: a head on frozen features, all of it, or all from scratch. */
export type Recipe = 'head' | 'finetune' | 'scratch'

/** Networks whose weights come from an archive of others, by name. */
export const pretrainedNames = ['mobilenet-v2', 'efficientnet-lite0'] as const

/** One of {@link pretrainedNames}. */
export type PretrainedName = (typeof pretrainedNames)[number]

/** Whether a backbone is one of {@link pretrainedNames}. */
export const isPretrained = (backbone: string): backbone is PretrainedName =>
  (pretrainedNames as readonly string[]).includes(backbone)

/** Shape and start of a {@link conv4} network. */
export interface Conv4Options {
  /** Side of the pictures in pixels, at least 16. */
  readonly size: number
  /** 1 (grey) or 3 (colour). */
  readonly channels: number
  /** Width of the embedding, at least 1. Default 64. */
  readonly dim?: number
  /** Of the first weights. Default 0. */
  readonly seed?: number
}

/** What {@link Conv4Options} leaves open. */
export const defaultConv4Options: { readonly dim: number; readonly seed: number } = {
  dim: 64,
  seed: 0,
}

/** How pixels of 0–255 become numbers for a network: (pixel − mean) / std, each channel. */
export interface Normalisation {
  readonly mean: readonly number[]
  readonly std: readonly number[]
}
