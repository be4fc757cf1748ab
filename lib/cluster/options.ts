import type { FitProgress } from './clustering.ts'

/** How wide the products with the centroids are cut. */
export interface ChunkOptions {
  /** Bytes of one chunk of similarities, ≥ 4·k. Default 64 MiB: large enough for full speed. */
  readonly chunkBytes?: number
}

/** Defaults of {@link ChunkOptions}. */
export const defaultChunkOptions: Required<ChunkOptions> = { chunkBytes: 64 * 1024 * 1024 }

/** How long Lloyd's iterations go on. */
export interface KMeansOptions extends ChunkOptions {
  /** Lloyd iterations at most, 1–100. Default 25. */
  readonly maxIterations?: number
  /** Share of embeddings that may still move when the iterations stop, [0, 1). Default .001. */
  readonly tolerance?: number
}

/** Defaults of {@link KMeansOptions}. */
export const defaultKMeansOptions: Required<KMeansOptions> = {
  ...defaultChunkOptions,
  maxIterations: 25,
  tolerance: 0.001,
}

/** How the first centroids are drawn. */
export interface SeedingOptions {
  /** Seed of the random numbers, any integer. Default 0. */
  readonly seed?: number
  /** Independent k-means++ draws, ≥ 1; the one with the lowest inertia is kept. Default 3. */
  readonly restarts?: number
  /** Embeddings that are drawn from at least, if there are as many. Default 4,096. */
  readonly minSample?: number
  /** Embeddings that are drawn from for each centroid, if there are as many. Default 16. */
  readonly samplePerCluster?: number
}

/** Defaults of {@link SeedingOptions}. */
export const defaultSeedingOptions: Required<SeedingOptions> = {
  seed: 0,
  restarts: 3,
  minSample: 4096,
  samplePerCluster: 16,
}

/** What makes a cluster too small or too large. */
export interface RepairOptions {
  /** Clusters wanted, ≥ the number of centroids. Absent: as many as there are centroids. */
  readonly k?: number
  /** Seed of the random numbers, any integer. Default 0. */
  readonly seed?: number
  /** Images that a cluster needs, ≥ 1. Absent: a quarter of the mean size, in [4, 20]. */
  readonly minSize?: number
  /** Size, as a multiple of the mean size n/k, above which a cluster is split, > 1. Default 8. */
  readonly maxShare?: number
  /** Instance of each row, shape [n], where several rows show one. Absent: all differ. */
  readonly instances?: Int32Array
}

/** Defaults of {@link RepairOptions}. */
export const defaultRepairOptions: Required<Omit<RepairOptions, 'k' | 'minSize' | 'instances'>> = {
  seed: 0,
  maxShare: 8,
}

/** What a clustering is doing, for people and watchdogs. */
export type ClusterProgress =
  | { readonly phase: 'seed' | 'repair' | 'measure' }
  | ({ readonly phase: 'fit' } & FitProgress)

/** One clustering from start to end. */
export interface ClusterOptions extends KMeansOptions, SeedingOptions, Omit<RepairOptions, 'k'> {
  /** Number of clusters asked for, ≥ 1; no more come to be than there are images. */
  readonly k: number
  /** Cluster of each image in the clustering before, shape [n], −1 for new ones: a warm start. */
  readonly initialLabels?: Int32Array
  /** Images a cluster above which the fit uses a sample, ≥ 1. Default 256. */
  readonly fitPerCluster?: number
  /** Called at each phase and, on the engine, each iteration; awaited. What it throws ends it. */
  readonly report?: (progress: ClusterProgress) => unknown
}

/** Defaults of {@link ClusterOptions}. */
export const defaultClusterOptions: Required<
  Omit<ClusterOptions, 'k' | 'initialLabels' | 'report' | 'minSize' | 'instances'>
> = {
  ...defaultKMeansOptions,
  ...defaultSeedingOptions,
  ...defaultRepairOptions,
  fitPerCluster: 256,
}

/** Which images are not trained on. */
export interface TrustOptions {
  /** Share of the images with the lowest margins that is left out, [0, 1). Default .15. */
  readonly marginDrop?: number
  /** Share of a cluster's images, nearest first, that lies inside its radius, (0, 1]. Default .95. */
  readonly radiusShare?: number
  /** Images that a cluster needs, ≥ 1. Absent: that of the clustering. */
  readonly minSize?: number
}

/** Defaults of {@link TrustOptions}. */
export const defaultTrustOptions: Required<Omit<TrustOptions, 'minSize'>> = {
  marginDrop: 0.15,
  radiusShare: 0.95,
}
