import type { Preprocessing } from '../image/options.ts'
import type { RoundProgress } from '../learn/round.ts'
import type { StudentInput } from '../learn/student.ts'
import type { ModelFiles } from '../model/artifact.ts'
import type { Handlers } from './rpc.ts'
import type { WarmModel } from './warm-start.ts'

/** What the engine's thread asks of the one that started it. */
export interface EngineHost extends Handlers {
  readonly progress: (progress: RoundProgress) => void
  /** Told with every chunk of pictures that it works on. */
  readonly alive: (nothing: undefined) => void
  /** Decodes stored pictures again; those that are gone have no pixels. */
  readonly refill: (ids: readonly string[]) => Promise<readonly (Uint8Array | undefined)[]>
  readonly installing: (text: string) => void
}

/** A model that embeds, by its published files. */
export interface ServedModel {
  readonly files: ModelFiles
  /** Mean that vectors are centred on; absent: they are not. */
  readonly mean: Float32Array | undefined
}

/** Pixels of pictures that were just decoded. */
export interface TakenPictures {
  readonly ids: readonly string[]
  /** Shape [n, size, size, channels], one after another. */
  readonly pixels: Uint8Array
  /** Whether to embed them by the frozen backbone too. */
  readonly reference: boolean
}

/** Where pixels are cached, how pictures look, and the frozen backbone. */
export interface OpenRequest {
  readonly folder: string
  readonly preprocessing: Preprocessing
  readonly files: ModelFiles
}

/** A model to begin from, and what the student shall be. */
export interface WarmRequest extends Pick<StudentInput, 'settings' | 'preprocessing' | 'baseline'> {
  readonly model: WarmModel
}
