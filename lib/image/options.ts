/** A picture format that can be allowed; SVG never is. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'avif' | 'tiff'

/** What a picture must keep to before and while it is decoded. */
export interface ImageLimits {
  /** Largest file, bytes, ≥ 1. Default 20 MiB. */
  readonly bytes: number
  /** Largest picture, width × height, ≥ 1. Default 50,000,000. */
  readonly pixels: number
  /** Shortest side, pixels, ≥ 1. Default 16. */
  readonly minSide: number
  /** Formats taken in, told by content. Default JPEG, PNG and WebP. */
  readonly formats: readonly ImageFormat[]
  /** Decoding time after which a picture counts as undecodable, ms, ≥ 1,000. Default 5,000. */
  readonly timeoutMs: number
}

/** Defaults: what photographs need, far below what harms a decoder process of 512 MiB. */
export const defaultImageLimits: ImageLimits = {
  bytes: 20 * 2 ** 20,
  pixels: 50_000_000,
  minSide: 16,
  formats: ['jpeg', 'png', 'webp'],
  timeoutMs: 5_000,
}

/** How a picture becomes the input of a network: part of what a vector means. */
export interface Preprocessing {
  /** Side of the square that the network sees, pixels, 16–1024. */
  readonly size: number
  /** Three channels or one. */
  readonly channels: 'rgb' | 'grey'
  /** Colour under transparent pixels, `#rrggbb`. */
  readonly background: string
  /** What is subtracted, a number a channel, in units of 0–255. */
  readonly mean: readonly number[]
  /** What is divided by afterwards, a number a channel, > 0, in units of 0–255. */
  readonly std: readonly number[]
}

/** Defaults of `conv4`: 28 px, values in [−1, 1]. A pretrained backbone brings its own. */
export const defaultPreprocessing: Preprocessing = {
  size: 28,
  channels: 'rgb',
  background: '#808080',
  mean: [127.5, 127.5, 127.5],
  std: [127.5, 127.5, 127.5],
}

/** How views of a picture differ from it; 0, and [1, 1] for ranges, mean "not at all". */
export interface Augmentation {
  /** Share of the area that a crop keeps, range within (0, 1]. */
  readonly area: readonly [number, number]
  /** Width over height of the crop, relative to the picture, range, > 0. */
  readonly ratio: readonly [number, number]
  /** Probability of a mirror image, 0–1. */
  readonly flip: number
  /** Brightness is multiplied by 1 ± this, 0–1. */
  readonly brightness: number
  /** Distances from the picture's mean level are multiplied by 1 ± this, 0–1. */
  readonly contrast: number
  /** Distances from each pixel's grey are multiplied by 1 ± this, 0–1; colour pictures only. */
  readonly saturation: number
  /** Turn, ± degrees, 0–180. */
  readonly rotation: number
  /** Size is multiplied by 1 ± this, 0 ≤ scale < 1. */
  readonly scale: number
  /** Horizontal shear, ± pixels across for each one down, 0–1. */
  readonly shear: number
  /** Move along each axis, ± share of the side, 0–1. */
  readonly shift: number
  /** Largest standard deviation of a Gaussian blur, share of the side, 0–.1. */
  readonly blur: number
  /** Largest standard deviation of normal noise, in units of 0–255. */
  readonly noise: number
  /** Largest share of the area that a rectangle of the picture's mean colour hides, 0–.5. */
  readonly erase: number
}

/** A picture as it is. */
export const noAugmentation: Augmentation = {
  area: [1, 1],
  ratio: [1, 1],
  flip: 0,
  brightness: 0,
  contrast: 0,
  saturation: 0,
  rotation: 0,
  scale: 0,
  shear: 0,
  shift: 0,
  blur: 0,
  noise: 0,
  erase: 0,
}

const photograph: Augmentation = {
  ...noAugmentation,
  area: [0.5, 1],
  ratio: [0.8, 1.25],
  flip: 0.5,
  brightness: 0.2,
  contrast: 0.2,
  saturation: 0.2,
}

const glyph: Augmentation = {
  ...noAugmentation,
  rotation: 15,
  scale: 0.2,
  shear: 0.2,
  shift: 0.075,
}

/** What {@link augmentationPresets} holds. */
export type AugmentationPreset = 'photograph' | 'glyph' | 'photographProbe' | 'glyphProbe'

/**
 * Training settings (`method.md` §6) and the harder ones of the gate's probes.
 *
 * Augmentation scores are trained for directly, so each probe preset is stronger than its training
 * preset and adds kinds that training never sees (`method.md` §8): rotation, blur and erasing for
 * photographs, noise, blur and erasing for glyphs.
 */
export const augmentationPresets: Readonly<Record<AugmentationPreset, Augmentation>> = {
  photograph,
  glyph,
  photographProbe: {
    ...photograph,
    area: [0.35, 0.8],
    ratio: [0.7, 1.4],
    brightness: 0.35,
    contrast: 0.35,
    saturation: 0.4,
    rotation: 12,
    blur: 0.015,
    erase: 0.12,
  },
  glyphProbe: {
    ...glyph,
    rotation: 22,
    scale: 0.25,
    shear: 0.25,
    shift: 0.1,
    brightness: 0.3,
    contrast: 0.4,
    blur: 0.03,
    noise: 40,
    erase: 0.08,
  },
}
