import type { MessagePort, Transferable, Worker } from 'node:worker_threads'
import * as errors from '../errors.ts'

/** Functions that one side of a channel answers, by name. */
export type Handlers = Readonly<Record<string, (argument: never) => unknown>>

/** The functions that `H` answers, called from the other side. */
export type Remote<H extends Handlers> = {
  readonly [Name in keyof H]: (
    argument: Parameters<H[Name]>[0],
    transfer?: readonly Transferable[],
  ) => Promise<Unmoved<Awaited<ReturnType<H[Name]>>>>
}

type Unmoved<T> = T extends Moved<infer Value> ? Value : T

/** An answer whose buffers move to the other side instead of being copied. */
export class Moved<T> {
  readonly value: T
  readonly transfer: readonly Transferable[]
  constructor(value: T, transfer: readonly Transferable[]) {
    this.value = value
    this.transfer = transfer
  }
}

type Call = { readonly call: number; readonly name: string; readonly argument: unknown }
type Answer = { readonly answer: number; readonly value?: unknown; readonly error?: PlainError }
type PlainError = {
  readonly class: string
  readonly message: string
  readonly retryable: boolean
  readonly reason: string | undefined
  readonly limit: number | undefined
  readonly got: number | undefined
  readonly stack: string | undefined
}

function plain(error: unknown): PlainError {
  const known = error instanceof errors.PipelineError ? error : undefined
  return {
    class: error instanceof Error ? error.name : 'Error',
    message: error instanceof Error ? error.message : String(error),
    retryable: known?.retryable ?? false,
    reason: known?.reason,
    limit: known?.limit,
    got: known?.got,
    stack: error instanceof Error ? error.stack : undefined,
  }
}

type ErrorClass = new (message: string, options: errors.PipelineErrorOptions) => Error

function revived(error: PlainError): Error {
  const named = (errors as unknown as Record<string, ErrorClass | undefined>)[error.class]
  const { retryable, reason, limit, got } = error
  const options = {
    retryable,
    ...(reason !== undefined && { reason }),
    ...(limit !== undefined && { limit }),
    ...(got !== undefined && { got }),
  }
  const result =
    named !== undefined && error.class !== 'PipelineError' && error.class.endsWith('Error')
      ? new named(error.message, options)
      : new Error(error.message)
  if (error.stack !== undefined) result.stack = error.stack
  return result
}

/**
 * Lets two threads call each other's functions by name; errors arrive with class and code.
 *
 * @param port - This side's end of the channel.
 * @param handlers - What the other side may call here.
 * @returns What can be called there. Calls in flight are rejected when the channel closes.
 */
export function connect<There extends Handlers>(
  port: MessagePort | Worker,
  handlers: Handlers,
): Remote<There> {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let calls = 0
  const channel = port as MessagePort

  const answer = async ({ call, name, argument }: Call) => {
    try {
      const handler = handlers[name]
      if (handler === undefined)
        throw new errors.InputError(`rpc: expected a known call, got ${name}`)
      const result: unknown = await handler(argument as never)
      const moved = result instanceof Moved ? result : new Moved(result, [])
      channel.postMessage({ answer: call, value: moved.value }, moved.transfer as Transferable[])
    } catch (error) {
      channel.postMessage({ answer: call, error: plain(error) })
    }
  }

  channel.on('message', (message: Call | Answer) => {
    if ('call' in message) {
      void answer(message)
      return
    }
    const call = waiting.get(message.answer)
    waiting.delete(message.answer)
    if (message.error === undefined) call?.resolve(message.value)
    else call?.reject(revived(message.error))
  })

  const failAll = (error: Error) => {
    for (const call of waiting.values()) call.reject(error)
    waiting.clear()
  }
  const gone = () => failAll(new errors.EngineError('rpc: the other thread has ended'))
  const emitter = port as { on(event: string, listener: (value: unknown) => void): unknown }
  emitter.on('error', (error) => failAll(error instanceof Error ? error : new Error(String(error))))
  emitter.on('exit', gone)
  emitter.on('close', gone)

  const call = (name: string, argument: unknown, transfer: readonly Transferable[] = []) =>
    new Promise((resolve, reject) => {
      calls += 1
      waiting.set(calls, { resolve, reject })
      channel.postMessage({ call: calls, name, argument }, transfer as Transferable[])
    })
  return new Proxy({} as Remote<There>, {
    get: (_, name) => (argument: unknown, transfer?: readonly Transferable[]) =>
      call(String(name), argument, transfer),
  })
}
