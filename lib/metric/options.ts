/** Settings of a function whose defaults leave nothing open. */
type Settled<Options, Without extends keyof Options = never> = Required<Omit<Options, Without>> &
  Pick<Options, Without>

/** Settings of `retrieval` and of everything that compares all rows with all rows. */
export interface BlockOptions {
  /**
   * Bytes that decide how many rows are compared at once, ≥ 1. It changes memory and speed, never
   * a result. Default 256 MiB.
   */
  readonly chunkBytes?: number
  /** Called after each block with the rows done so far and their number, for a progress line. */
  readonly report?: (done: number, total: number) => void
}
/** Memory that any machine which trains has to spare. */
export const defaultBlockOptions: Settled<BlockOptions, 'report'> = {
  chunkBytes: 256 * 2 ** 20,
}

/** Settings of `retrieval`. */
export interface RetrievalOptions extends BlockOptions {
  /** The K of each Recall@K, integers ≥ 1. Default 1, 2, 4, 8, as papers of the field print. */
  readonly ks?: readonly number[]
}
/** See {@link RetrievalOptions}. */
export const defaultRetrievalOptions: Settled<RetrievalOptions, 'report'> = {
  ...defaultBlockOptions,
  ks: [1, 2, 4, 8],
}

/** Settings of what compares neighbourhoods. */
export interface NeighbourOptions extends BlockOptions {
  /** Neighbours of an image, ≥ 1. Default 10. */
  readonly neighbours?: number
}
/** See {@link NeighbourOptions}. */
export const defaultNeighbourOptions: Settled<NeighbourOptions, 'report'> = {
  ...defaultBlockOptions,
  neighbours: 10,
}

/** Settings of `pairedBootstrap`. */
export interface BootstrapOptions {
  /** Seed of the draws; the gate takes it from both digests. Default 0. */
  readonly seed?: number
  /** Resamples, ≥ 1. Default 2,000: the bounds of a 95 % interval then move by about 1 % of it. */
  readonly draws?: number
}
/** See {@link BootstrapOptions}. */
export const defaultBootstrapOptions: Settled<BootstrapOptions> = { seed: 0, draws: 2000 }

/** Settings of `calibrate`. */
export interface CalibrationOptions {
  /** Probability in (0, 1) that a pair is of the same kind. Absent: the share among the pairs. */
  readonly prior?: number
}
