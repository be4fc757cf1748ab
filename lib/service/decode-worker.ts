import { PipelineError } from '../errors.ts'
import { type DecodedImage, decodeImage } from '../image/decode.ts'
import type { ImageLimits, Preprocessing } from '../image/options.ts'
import { thumbnail as makeThumbnail } from '../image/thumbnail.ts'

/** One picture on its way to a decoder process. */
export interface DecodeTask {
  readonly bytes: Uint8Array
  readonly limits: ImageLimits
  readonly preprocessing: Preprocessing
}

/** A picture of which a small copy is wanted. */
export type ThumbnailTask = Omit<DecodeTask, 'preprocessing'>

/** Why a picture was refused; errors cross the border as values, since classes cannot. */
export interface Refusal {
  readonly code: string
  readonly message: string
  readonly reason: string | undefined
  readonly limit: number | undefined
  readonly got: number | undefined
}

/** What a decoder process answers. */
export interface DecodeAnswer<T = DecodedImage> {
  readonly outcome: T | Refusal
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
export function decode(task: DecodeTask): Promise<DecodeAnswer<DecodedImage>> {
  return answer(decodeImage(task.bytes, task.limits, task.preprocessing))
}

/**
 * Makes a small copy of one picture.
 *
 * @public Called by name, from `decoders`.
 */
export function thumbnail(task: ThumbnailTask): Promise<DecodeAnswer<Uint8Array>> {
  return answer(makeThumbnail(task.bytes, task.limits))
}

/**
 * Answers at all: the process has started and could load its decoder.
 *
 * @public Called by name, from `decoders`.
 */
export function ping(): boolean {
  return true
}

async function answer<T>(work: Promise<T>): Promise<DecodeAnswer<T>> {
  served += 1
  const outcome = await work.catch(refusal)
  return { outcome, served, residentBytes: process.memoryUsage.rss() }
}

function refusal(error: unknown): Refusal {
  if (!(error instanceof PipelineError)) throw error
  const { code, message, reason, limit, got } = error
  return { code, message, reason, limit, got }
}
