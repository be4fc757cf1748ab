import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { loadConfig } from './load.ts'
import { environmentNames } from './names.ts'
import type { Config } from './schema.ts'

/** What a cloud function is told by its environment. */
export interface CloudSettings {
  /** The settings of the pipeline, as its roles have them. */
  readonly config: Config
  /** Bucket that pictures are dropped into; '' for none. */
  readonly uploadsBucket: string
  /** Bus that hears of published models; '' for none. */
  readonly eventBus: string
  /** Largest index that `infer` holds, bytes of vectors. */
  readonly maxIndexBytes: number
}

const maxIndexMb = z.coerce.number().positive().default(1_024)

/**
 * The settings of a cloud function: the variables that the roles are given, and its own.
 *
 * @param environment - Default: that of the process.
 * @throws {@link ConfigError} if one is unknown or out of its range.
 */
export function cloudSettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): CloudSettings {
  const index = maxIndexMb.safeParse(environment[environmentNames.maxIndexMb])
  if (!index.success) {
    const [issue] = index.error.issues
    throw new ConfigError(`config: ${environmentNames.maxIndexMb}: ${issue?.message}`)
  }
  return {
    config: loadConfig({ environment }),
    uploadsBucket: environment[environmentNames.uploadsBucket] ?? '',
    eventBus: environment[environmentNames.eventBus] ?? '',
    maxIndexBytes: index.data * 2 ** 20,
  }
}
