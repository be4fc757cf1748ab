import { CommanderError } from 'commander'
import { PipelineError } from '../errors.ts'

/** Number of the form of `--json` lines; fields are only added within it. */
const schema = 1

/** Exit codes, as `--help` documents them. */
export const exitCodes = {
  done: 0,
  failure: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
  interrupted: 130,
} as const

/** How a command talks: results to stdout, everything for people to stderr. */
export interface Output {
  readonly isJson: boolean
  readonly isQuiet: boolean
  /** A result: `text` for people, or the same as one JSON line. */
  result(value: Readonly<Record<string, unknown>>, text: string | (() => string)): void
  /** A line for people that is no result. */
  note(text: string): void
}

/** Where a command writes. */
export interface Streams {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

/** The output of one command. */
export function commandOutput(
  command: string,
  options: { readonly json?: boolean; readonly quiet?: boolean },
  streams: Streams,
): Output {
  const isJson = options.json ?? false
  const isQuiet = options.quiet ?? false
  return {
    isJson,
    isQuiet,
    result: (value, text) => {
      if (isJson) streams.stdout.write(`${JSON.stringify({ schema, command, ...value })}\n`)
      else streams.stdout.write(`${typeof text === 'string' ? text : text()}\n`)
    },
    note: (text) => {
      if (!isQuiet) streams.stderr.write(`${text}\n`)
    },
  }
}

/** Whether writing failed because nobody reads any more, as behind `| head`. */
export const isUnread = (error: Error): boolean => 'code' in error && error.code === 'EPIPE'

/** Whether the parser has said all there is to say: help that was asked for, or a wrong usage. */
export const isTold = (error: unknown): error is CommanderError => error instanceof CommanderError

/** Exit code that an error ends the program with. */
export function exitCodeOf(error: unknown): number {
  if (isTold(error)) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  if (!(error instanceof PipelineError)) return exitCodes.failure
  if (error.code === 'CONFIG') return exitCodes.usage
  if (error.code === 'INPUT' || error.code === 'SHAPE') return exitCodes.usage
  const isOutside = error.code === 'STREAM' || error.code === 'STORE'
  return isOutside && error.retryable ? exitCodes.unreachable : exitCodes.failure
}

/** What a failure prints: what was expected, what arrived, its code, and where more is told. */
export function failureText(error: unknown, isVerbose: boolean): string {
  const text = error instanceof Error ? error.message : String(error)
  const code = error instanceof PipelineError ? ` [${error.code}]` : ''
  const stack = isVerbose && error instanceof Error ? `\n${error.stack ?? ''}` : ''
  const more = isVerbose ? '' : '\nMore: the same command with --verbose, or `contrastream doctor`.'
  return `error: ${text}${code}${stack}${more}`
}
