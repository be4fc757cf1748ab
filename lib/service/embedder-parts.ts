import type { Matrix } from '../engine/matrix.ts'
import type { Clock } from '../registry/clock.ts'
import type { Named, Registry } from '../registry/registry.ts'
import type { BlockSource } from '../search/recall.ts'
import type { Stamp } from '../search/types.ts'
import type { StreamPort } from '../stream/types.ts'
import type { Decoders } from './decoders.ts'
import type { ReadElsewhere } from './pictures-elsewhere.ts'

/** A version, loaded to embed pictures. Its tensors live in a thread of its own. */
export interface VersionEmbedder extends Stamp {
  readonly dim: number
  /** Decodes pictures as this version wants them. */
  readonly decoders: Pick<Decoders, 'decode'>
  /** Vectors of decoded pictures, shape [n, dim]. */
  embed(pixels: Uint8Array): Promise<Matrix>
  /** Share of true neighbours that an index of these blocks finds; see `indexRecall`. */
  recall(source: BlockSource): Promise<number>
  close(): Promise<void>
}

/** Settings of {@link embedder}. */
export interface EmbedderOptions {
  /** Vectors in a generation, about: beyond it the oldest blocks leave. Default 200,000. */
  readonly maxVectors?: number
  /** Pictures that arrived longer ago leave the index, ms. Default never. */
  readonly retentionMs?: number
  /** Share of an older generation's pictures that a new one must have. Default .99. */
  readonly minCoverage?: number
  /** Share of true neighbours that its index must find. Default .99. */
  readonly minRecall?: number
  /** `manual`: `stable` waits until somebody approves the candidate. Default `auto`. */
  readonly promotion?: 'auto' | 'manual'
  /** Longest time until new vectors are sealed into a block, ms. Default 5 minutes. */
  readonly sealEveryMs?: number
  /** Time between two looks at channels and generations, ms. Default 1,000. */
  readonly pollMs?: number
  /** Share of its time that embedding old pictures may take, range (0, 1]. Default .5. */
  readonly backfillShare?: number
  /** Largest picture, bytes. Default 20 MiB. */
  readonly maxPictureBytes?: number
}
/** Defaults of {@link EmbedderOptions}: `stream.md` §6, `service.md` §3 and §7. */
export const defaultEmbedderOptions: Required<EmbedderOptions> = {
  maxVectors: 200_000,
  retentionMs: Number.POSITIVE_INFINITY,
  minCoverage: 0.99,
  minRecall: 0.99,
  promotion: 'auto',
  sealEveryMs: 300_000,
  pollMs: 1_000,
  backfillShare: 0.5,
  maxPictureBytes: 20 * 2 ** 20,
}

/** What an embedder works with; opened once by whoever starts it. */
export interface EmbedderParts {
  readonly registry: Registry
  readonly stream: StreamPort
  /** Reads pictures that envelopes refer to. */
  readonly elsewhere: ReadElsewhere
  /** Consumer group, shared by all embedders of a pipeline. */
  readonly group: string
  /** Owner string, for the audit. */
  readonly by: string
  /** Loads a version; asked once for each that is needed. */
  open(version: Named): Promise<VersionEmbedder>
  /** Ids of pictures that were erased on purpose. */
  erased(): Promise<ReadonlySet<string>>
  /** Told of erased pictures that no block of a partition holds any more. */
  onErased(partition: string, ids: ReadonlySet<string>): Promise<void>
  /** The time of day, ms since 1970. */
  readonly now: () => number
  readonly clock: Clock
  /** Number of the random order in which old pictures are embedded again. */
  readonly seed: number
  readonly onEvent: (event: EmbedderEvent) => void
  readonly options?: EmbedderOptions
}

/** What an embedder says while it works. */
export type EmbedderEvent =
  | {
      readonly event: 'generation'
      readonly generation: string
      readonly state: 'building' | 'ready' | 'failed'
      readonly vectors: number
      readonly reason?: string
    }
  | {
      readonly event: 'released'
      readonly version: string
      readonly generation: string
      readonly vectors: number
    }
  | { readonly event: 'note'; readonly text: string }

/** Where an embedder stands. */
export interface EmbedderStatus {
  /** Pictures embedded since the start, old and new ones. */
  readonly embedded: number
  readonly duplicates: number
  /** Records of pictures that somebody asked to forget. */
  readonly erased: number
  readonly quarantined: number
  /** Records behind the end of the log; absent while no partition is assigned. */
  readonly lag: number | undefined
  /** Blocks of pictures that are still to be embedded again, by a model they were not made with. */
  readonly backlog: number
  readonly served: GenerationStatus | undefined
  readonly building: GenerationStatus | undefined
}

/** Where a generation stands. */
export interface GenerationStatus {
  readonly id: string
  readonly vectors: number
  /** Share of its sources' pictures that it has by now, range [0, 1]. */
  readonly coverage: number
  /** Share of true neighbours that its index found when it was measured, range [0, 1]. */
  readonly recall?: number
}
