/** Every way the pipeline fails, as a closed list: programs match on these words. */
export const errorCodes = [
  'CONFIG',
  'SHAPE',
  'INPUT',
  'IMAGE_SIZE',
  'IMAGE_TYPE',
  'IMAGE_DECODE',
  'MISSING',
  'ERASED',
  'AUTH',
  'BUSY',
  'CONFLICT',
  'ENGINE',
  'STREAM',
  'STORE',
  'REGISTRY',
  'ARTIFACT',
  'CHECKPOINT',
  'VERSION_MISMATCH',
  'LEASE_LOST',
] as const

/** One of {@link errorCodes}. */
export type ErrorCode = (typeof errorCodes)[number]

/** What a {@link PipelineError} carries beside its message. */
export interface PipelineErrorOptions {
  /** Whether the same call may succeed later. Default false. */
  readonly retryable?: boolean
  /** Why, in one word, where a code covers several causes (`disk-full`, `offset-gone`). */
  readonly reason?: string
  /** The number that was exceeded, and the one that arrived, in the unit of the message. */
  readonly limit?: number
  readonly got?: number
  /** The foreign error this one translates. */
  readonly cause?: unknown
}

/**
 * Base of every error that the pipeline throws on purpose.
 *
 * Messages read `where: what was expected, what arrived`.
 */
export abstract class PipelineError extends Error {
  /** The closed word for this kind of failure. */
  abstract readonly code: ErrorCode
  /** Whether the same call may succeed later; set where a foreign error is translated. */
  readonly retryable: boolean
  /** Why, in one word, where a code covers several causes. */
  readonly reason: string | undefined
  /** The number that was exceeded. */
  readonly limit: number | undefined
  /** The number that arrived instead. */
  readonly got: number | undefined

  constructor(message: string, options: PipelineErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = new.target.name
    this.retryable = options.retryable ?? false
    this.reason = options.reason
    this.limit = options.limit
    this.got = options.got
  }
}

/** A setting is missing, unknown or does not fit another one. */
export class ConfigError extends PipelineError {
  override readonly code = 'CONFIG'
}
/** A tensor has another shape than the function needs. */
export class ShapeError extends PipelineError {
  override readonly code = 'SHAPE'
}
/** A request, record or document is malformed. */
export class InputError extends PipelineError {
  override readonly code = 'INPUT'
}
/** A picture exceeds the limits on bytes or pixels, or is too small. */
export class ImageSizeError extends PipelineError {
  override readonly code = 'IMAGE_SIZE'
}
/** The first bytes are those of no allowed picture format. */
export class ImageTypeError extends PipelineError {
  override readonly code = 'IMAGE_TYPE'
}
/** A picture of an allowed format does not decode. */
export class ImageDecodeError extends PipelineError {
  override readonly code = 'IMAGE_DECODE'
}
/** There is no such picture, version or blob. */
export class MissingError extends PipelineError {
  override readonly code = 'MISSING'
}
/** The picture was erased on purpose and is not taken in again. */
export class ErasedError extends PipelineError {
  override readonly code = 'ERASED'
}
/** The caller is not who may do this. */
export class AuthError extends PipelineError {
  override readonly code = 'AUTH'
}
/** A queue, limit or disk is full for now. */
export class BusyError extends PipelineError {
  override readonly code = 'BUSY'
}
/** The caller's compare-and-swap lost: the state moved on. */
export class ConflictError extends PipelineError {
  override readonly code = 'CONFLICT'
}
/** A tensor engine cannot be loaded or lacks an operation. */
export class EngineError extends PipelineError {
  override readonly code = 'ENGINE'
}
/** The log of records fails. */
export class StreamError extends PipelineError {
  override readonly code = 'STREAM'
}
/** A blob or document store fails. */
export class StoreError extends PipelineError {
  override readonly code = 'STORE'
}
/** Versions, channels or audit contradict each other. */
export class RegistryError extends PipelineError {
  override readonly code = 'REGISTRY'
}
/** Published bytes do not match their digest or their format. */
export class ArtifactError extends PipelineError {
  override readonly code = 'ARTIFACT'
}
/** A checkpoint does not match its digest or its format. */
export class CheckpointError extends PipelineError {
  override readonly code = 'CHECKPOINT'
}
/** Vectors of two versions or two preprocessings would meet. */
export class VersionMismatchError extends PipelineError {
  override readonly code = 'VERSION_MISMATCH'
}
/** Another process is the single writer now. */
export class LeaseLostError extends PipelineError {
  override readonly code = 'LEASE_LOST'
}
