import { Tinypool } from 'tinypool'
import {
  BusyError,
  ConfigError,
  EngineError,
  ImageDecodeError,
  ImageSizeError,
  ImageTypeError,
  PipelineError,
  type PipelineErrorOptions,
} from '../errors.ts'
import type { DecodedImage } from '../image/decode.ts'
import type { ImageLimits, Preprocessing } from '../image/options.ts'
import type { DecodeAnswer, DecodeTask, Refusal, ThumbnailTask } from './decode-worker.ts'
import { lanes } from './lanes.ts'

/** Settings of {@link decoders}. */
export interface DecoderOptions {
  /** Processes side by side, ≥ 1; a picture takes one core. */
  readonly processes: number
  readonly limits: ImageLimits
  readonly preprocessing: Preprocessing
  /** Time after which a picture's process is killed, ms. Default 10,000. */
  readonly killAfterMs?: number
  /** Pictures after which processes are replaced. Default 2,000. */
  readonly maxServed?: number
  /** Resident memory above which processes are replaced, bytes. Default 512 MiB. */
  readonly maxResidentBytes?: number
  /** Told when the processes are replaced. */
  readonly onReplaced?: () => void
  /** Module that decodes, with the exports of `decode-worker`. Default that one. */
  readonly worker?: URL
}

/** Run from source a module ends in `.ts`, in the package in `.js`. */
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'

/** Defaults of {@link DecoderOptions}: `stream.md` §8. */
export const defaultDecoderOptions: Required<
  Omit<DecoderOptions, 'processes' | 'limits' | 'preprocessing' | 'onReplaced'>
> = {
  killAfterMs: 10_000,
  maxServed: 2_000,
  maxResidentBytes: 512 * 2 ** 20,
  worker: new URL(`./decode-worker${extension}`, import.meta.url),
}

/** Decoder processes. */
export interface Decoders {
  /**
   * `decodeImage` in a process of its own, whatever the picture does to that process.
   *
   * Waits for a free process: callers bound what they hand in.
   *
   * @param preprocessing - How the pixels must look. Default: the pool's.
   *
   * @throws The errors of `decodeImage`; {@link ImageDecodeError} also if the picture takes longer
   * than `killAfterMs`, or crashes its process twice, the second time alone in a fresh one.
   * @throws {@link EngineError}, retryable, if decoder processes do not even start.
   * @throws {@link BusyError} once closed.
   */
  decode(bytes: Uint8Array, preprocessing?: Preprocessing): Promise<DecodedImage>
  /** `thumbnail` in a process of its own, with the same care and errors as `decode`. */
  thumbnail(bytes: Uint8Array): Promise<Uint8Array>
  /** Ends the processes; pictures under way fail. */
  close(): Promise<void>
}

const errorsByCode: Readonly<
  Record<string, new (message: string, options?: PipelineErrorOptions) => PipelineError>
> = {
  CONFIG: ConfigError,
  IMAGE_SIZE: ImageSizeError,
  IMAGE_TYPE: ImageTypeError,
  IMAGE_DECODE: ImageDecodeError,
}

function errorOf({ code, message, reason, limit, got }: Refusal): PipelineError {
  const Class = errorsByCode[code] ?? ImageDecodeError
  return new Class(message, {
    ...(reason !== undefined && { reason }),
    ...(limit !== undefined && { limit }),
    ...(got !== undefined && { got }),
  })
}

/** Nothing of our environment, credentials least of all, reaches a process that reads pictures. */
const environment = { VIPS_BLOCK_UNTRUSTED: '1', MALLOC_ARENA_MAX: '2' }

type Task = DecodeTask | ThumbnailTask
type TaskName = 'decode' | 'thumbnail'

/** A view would be sent with all of the memory it looks at. */
const whole = (bytes: Uint8Array): Uint8Array =>
  bytes.byteLength === bytes.buffer.byteLength ? bytes : Uint8Array.from(bytes)

const isOurs = (error: unknown): boolean => error instanceof PipelineError
const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError'

const textOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'message' in error
    ? String(error.message)
    : String(error)

/**
 * Starts processes that decode untrusted pictures: without credentials, killed when they hang,
 * replaced before they leak.
 *
 * The caller closes them.
 */
export function decoders(options: DecoderOptions): Decoders {
  const { processes, limits, preprocessing, killAfterMs, maxServed, maxResidentBytes, worker } = {
    ...defaultDecoderOptions,
    ...options,
  }
  const pool = new Tinypool({
    runtime: 'child_process',
    filename: worker.href,
    minThreads: processes,
    maxThreads: processes,
    env: environment,
    execArgv: [],
    serialization: 'advanced',
  })
  // A process that dies between two pictures has been replaced by the time this is called.
  pool.on('error', () => {})
  const replace = async (): Promise<void> => {
    await pool.recycleWorkers()
    options.onReplaced?.()
  }
  const inLane = lanes(processes)
  let isClosed = false
  let renewal: Promise<void> | undefined
  let started: Promise<void> | undefined

  function expectOpen(): void {
    if (isClosed) {
      throw new BusyError('decoders: expected to be open, got closed', { reason: 'closed' })
    }
  }

  /** Calls one export of the worker module. */
  async function ask<T>(name: TaskName | 'ping', task: object): Promise<T> {
    expectOpen()
    return await pool.run(task, { name, signal: AbortSignal.timeout(killAfterMs) })
  }

  /** Replaces all processes between two pictures, while none is at work. */
  function renew(): void {
    renewal ??= inLane(processes, async () => {
      if (!isClosed) await replace()
      renewal = undefined
    })
  }

  /** Throws unless a process can be started that answers at all. */
  async function start(): Promise<void> {
    await ask<boolean>('ping', {}).catch((cause: unknown) => {
      if (isOurs(cause)) throw cause
      const message = `decoders: expected a process to start, got "${textOf(cause)}"`
      throw new EngineError(message, { retryable: true, cause })
    })
  }

  /** Puts the blame on the picture, once it is known that the processes are not to blame. */
  async function blame(message: string, reason: string, cause: unknown): Promise<never> {
    await start()
    throw new ImageDecodeError(message, { reason, cause })
  }

  /** Rejects with no error of ours if the process dies or throws what it should not. */
  async function attempt<T extends object>(name: TaskName, task: Task): Promise<T> {
    const answer = await ask<DecodeAnswer<T>>(name, task).catch((cause: unknown) => {
      if (!isTimeout(cause)) throw cause
      const message = `decoders: expected a picture within ${killAfterMs} ms, got none`
      return blame(message, 'timeout', cause)
    })
    if (answer.served >= maxServed || answer.residentBytes > maxResidentBytes) renew()
    if ('code' in answer.outcome) throw errorOf(answer.outcome)
    return answer.outcome
  }

  /** Second attempt, in a fresh process with no picture beside it. */
  async function attemptAlone<T extends object>(name: TaskName, task: Task): Promise<T> {
    expectOpen()
    await replace()
    return await attempt<T>(name, task).catch((cause: unknown) => {
      if (isOurs(cause)) throw cause
      const message = `decoders: expected a picture, got "${textOf(cause)}" twice`
      return blame(message, 'crash', cause)
    })
  }

  async function perform<T extends object>(name: TaskName, task: Task): Promise<T> {
    started ??= start()
    await started.catch((error: unknown) => {
      started = undefined
      throw error
    })
    try {
      return await inLane(1, () => attempt<T>(name, task))
    } catch (error) {
      if (isOurs(error)) throw error
    }
    return await inLane(processes, () => attemptAlone<T>(name, task))
  }

  return {
    decode: (bytes, asked = preprocessing) =>
      perform('decode', { bytes: whole(bytes), limits, preprocessing: asked }),
    thumbnail: (bytes) => perform('thumbnail', { bytes: whole(bytes), limits }),
    async close() {
      isClosed = true
      await renewal
      await pool.destroy()
    },
  }
}
