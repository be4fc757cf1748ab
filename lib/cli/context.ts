import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { commandOutput, type Output } from './output.ts'

/** Options that every command takes. */
export interface GlobalOptions {
  readonly config?: string
  readonly data?: string
  readonly set?: readonly string[]
  readonly json?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
}

/** What a command works with. */
export interface Context {
  readonly config: Config
  readonly output: Output
  readonly options: GlobalOptions
}

/**
 * Settings and output of one command.
 *
 * @param settings - Further `key=value` pairs that the command itself decides.
 * @throws {@link ConfigError} if a setting is unknown or out of range.
 */
export function contextOf(
  command: string,
  options: GlobalOptions,
  settings: readonly string[] = [],
): Context {
  const data = options.data === undefined ? [] : [`data=${JSON.stringify(options.data)}`]
  const config = loadConfig({
    ...(options.config === undefined ? {} : { file: options.config }),
    environment: process.env,
    settings: [...settings, ...(options.set ?? []), ...data],
  })
  return { config, output: commandOutput(command, options, process), options }
}
