/**
 * Streaming pseudo-supervised metric learning: the public API.
 *
 * Importing it loads TensorFlow.js and no engine; {@link selectEngine} loads one.
 *
 * @packageDocumentation
 */

export { assign } from './cluster/assign.ts'
export { chooseK } from './cluster/choose-k.ts'
export { type Clustering, cluster } from './cluster/cluster.ts'
export { type IdentityEvent, type MatchedIdentities, matchIdentities } from './cluster/identity.ts'
export { type IdentitySet, identitySet, noIdentities } from './cluster/identity-set.ts'
export { kMeans } from './cluster/k-means.ts'
export type { ClusterOptions, KMeansOptions, TrustOptions } from './cluster/options.ts'
export { type TrackedCentroid, trackCentroid } from './cluster/track.ts'
export { trustImages } from './cluster/trust.ts'
export { type ConfigSources, loadConfig } from './config/load.ts'
export { type Config, type ConfigInput, configSchema } from './config/schema.ts'
export type { Matrix } from './engine/matrix.ts'
export { type Engine, type EngineName, selectEngine } from './engine/select.ts'
export {
  ArtifactError,
  AuthError,
  BusyError,
  CheckpointError,
  ConfigError,
  ConflictError,
  EngineError,
  ErasedError,
  type ErrorCode,
  errorCodes,
  ImageDecodeError,
  ImageSizeError,
  ImageTypeError,
  InputError,
  LeaseLostError,
  MissingError,
  PipelineError,
  type PipelineErrorOptions,
  RegistryError,
  ShapeError,
  StoreError,
  StreamError,
  VersionMismatchError,
} from './errors.ts'
export { augment } from './image/augment.ts'
export { augmentationDraws } from './image/augmentation-draws.ts'
export { type DecodedImage, decodeImage } from './image/decode.ts'
export { imageId, preprocessingHash } from './image/fingerprint.ts'
export {
  type Augmentation,
  augmentationPresets,
  type ImageLimits,
  type Preprocessing,
} from './image/options.ts'
export { preprocess } from './image/preprocess.ts'
export { openCheckpoint } from './learn/checkpoint.ts'
export { type GateOptions, judge, type Verdict } from './learn/gate.ts'
export type { GateInput } from './learn/gate-input.ts'
export { adaptiveObjective, type Objective, pairObjective } from './learn/objective.ts'
export { type RoundSettings, roundSettings } from './learn/recipe.ts'
export {
  type RoundInput,
  type RoundPorts,
  runRound,
} from './learn/round.ts'
export type { RoundReport, RoundResult } from './learn/round-result.ts'
export { type StepReport, trainStep } from './learn/step.ts'
export { adaptiveThresholds } from './loss/adaptive.ts'
export { ntxentLoss } from './loss/ntxent.ts'
export type {
  NtxentOptions,
  PairLossParams,
  PairLossResult,
  TripletOptions,
} from './loss/options.ts'
export { pairLoss } from './loss/pair-loss.ts'
export { type PairMasks, pairMasks } from './loss/pairs.ts'
export { type LossPreset, lossPresets } from './loss/presets.ts'
export { tripletLoss } from './loss/triplet.ts'
export { augmentationMrr } from './metric/augmentation-mrr.ts'
export { type BootstrapInterval, pairedBootstrap } from './metric/bootstrap.ts'
export { mapAtR } from './metric/map-at-r.ts'
export { neighbourConsistency } from './metric/neighbours.ts'
export { nmi } from './metric/nmi.ts'
export { rPrecision } from './metric/r-precision.ts'
export { effectiveRank } from './metric/rank.ts'
export { recallAtK } from './metric/recall-at-k.ts'
export { type Retrieval, retrieval } from './metric/retrieval.ts'
export { fitSpaceMap } from './metric/space-map.ts'
export { type Adam, type AdamOptions, adam } from './model/optimizer.ts'
export { holdLease } from './registry/lease.ts'
export { openRegistry, type Registry } from './registry/registry.ts'
export { type ExactIndex, exactIndex } from './search/exact-index.ts'
export type {
  Generation,
  GenerationBlock,
  GenerationSource,
  SourceOutcome,
} from './search/generation.ts'
export { loadGeneration } from './search/load-generation.ts'
export type { IndexOptions } from './search/options.ts'
export type { Neighbour, PictureVectors, Stamp, StampedVectors } from './search/types.ts'
export { fileBlobs } from './store/file.ts'
export { s3Blobs } from './store/s3-blobs.ts'
export { s3Client } from './store/s3-client.ts'
export { s3Documents } from './store/s3-documents.ts'
export { sqliteDocuments } from './store/sqlite.ts'
export type { BlobStore, DocumentStore } from './store/types.ts'
export { kafkaStream } from './stream/kafka.ts'
export type { KafkaAuth, KafkaConnection, KafkaStreamOptions } from './stream/kafka-options.ts'
export { sqliteStream } from './stream/sqlite.ts'
export type { StreamPort } from './stream/types.ts'
