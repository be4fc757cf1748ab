import type { ModelFiles } from '../model/artifact.ts'

/** A published model on its way into a round. */
export interface RoundModel {
  readonly files: ModelFiles
  /** Absent: not centred yet, so the mean of the round's pictures is taken. */
  readonly mean: Float32Array | undefined
  readonly digest: string
}
