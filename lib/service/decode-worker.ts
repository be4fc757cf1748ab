import { PipelineError } from '../errors.ts'
import { type DecodedImage, decodeImage } from '../image/decode.ts'
import type { ImageLimits, Preprocessing } from '../image/options.ts'

/** One picture on its way to a decoder process. */
export interface DecodeTask {
  readonly bytes: Uint8Array
  readonly limits: ImageLimits
  readonly preprocessing: Preprocessing
}

/** Why a picture was refused; errors cross the border as values, since classes cannot. */
export interface Refusal {
  readonly code: string
  readonly message: string
  readonly reason: string | undefined
}

/** What a decoder process answers. */
export interface DecodeAnswer {
  readonly outcome: DecodedImage | Refusal
  /** Pictures that this process has seen so far. */
  readonly served: number
  /** Its resident memory, bytes. */
  readonly residentBytes: number
}

let served = 0

/**
 * Decodes one picture. The module is the whole program of a decoder process.
 *
 * @public Called by name, from `decoders`.
 */
export async function decode(task: DecodeTask): Promise<DecodeAnswer> {
  served += 1
  const outcome = await decodeImage(task.bytes, task.limits, task.preprocessing).catch(refusal)
  return { outcome, served, residentBytes: process.memoryUsage.rss() }
}

/**
 * Answers at all: the process has started and could load its decoder.
 *
 * @public Called by name, from `decoders`.
 */
export function ping(): boolean {
  return true
}

function refusal(error: unknown): Refusal {
  if (!(error instanceof PipelineError)) throw error
  return { code: error.code, message: error.message, reason: error.reason }
}
