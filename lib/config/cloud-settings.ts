import { parse } from 'yaml'
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { loadConfig } from './load.ts'
import { environmentNames, settingVariable } from './names.ts'
import type { Config } from './schema.ts'

/** What a cloud function is told by its environment. */
export interface CloudSettings {
  /** Limits and formats of pictures, and the name of the pipeline. */
  readonly config: Pick<Config, 'name' | 'limits' | 'image'>
  readonly kafka: {
    readonly brokers: readonly string[]
    /** Functions log in by their role; `none` is for brokers on this machine. */
    readonly auth: { readonly kind: 'none' } | { readonly kind: 'iam'; readonly region: string }
  }
  readonly s3: {
    readonly bucket: string
    readonly prefix: string
    readonly region: string
    readonly endpoint: string
    readonly pathStyle: boolean
  }
  /** Bucket that pictures are dropped into; '' for none. */
  readonly uploadsBucket: string
  /** Bus that hears of published models; '' for none. */
  readonly eventBus: string
  /** Largest index that `infer` holds, bytes of vectors. */
  readonly maxIndexBytes: number
}

type Environment = Readonly<Record<string, string | undefined>>

const text = z.string().default('')
const schema = z.object({
  'kafka.brokers': z.array(z.string().min(1)).default([]),
  'kafka.auth.kind': z.enum(['none', 'iam']).default('none'),
  'kafka.auth.region': text,
  'store.s3.bucket': text,
  'store.s3.prefix': text,
  'store.s3.region': text,
  'store.s3.endpoint': text,
  'store.s3.pathStyle': z.boolean().default(false),
})
const maxIndexMb = z.coerce.number().positive().default(1_024)

/** Sections that every role has, also those that know neither bucket nor broker. */
const common = /^CONTRASTREAM__(NAME|LIMITS__.*|IMAGE__.*)$/

/**
 * The settings of a cloud function: the same variables that the roles are given.
 *
 * @param environment - Default: that of the process.
 * @throws {@link ConfigError} if one is out of its range.
 */
export function cloudSettings(environment: Environment = process.env): CloudSettings {
  const shared = Object.entries(environment).filter(([name]) => common.test(name))
  const given = Object.keys(schema.shape).flatMap((key) => {
    const value = environment[settingVariable(key)]
    return value === undefined ? [] : [[key, parse(value)] as const]
  })
  const result = schema.safeParse(Object.fromEntries(given))
  const index = maxIndexMb.safeParse(environment[environmentNames.maxIndexMb])
  if (!result.success || !index.success) {
    const issues = [...(result.error?.issues ?? []), ...(index.error?.issues ?? [])]
    const faults = issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw new ConfigError(`config: ${faults.join('; ')}`)
  }
  const settings = result.data
  const region = settings['kafka.auth.region']
  return {
    config: loadConfig({ environment: Object.fromEntries(shared) }),
    kafka: {
      brokers: settings['kafka.brokers'],
      auth: settings['kafka.auth.kind'] === 'iam' ? { kind: 'iam', region } : { kind: 'none' },
    },
    s3: {
      bucket: settings['store.s3.bucket'],
      prefix: settings['store.s3.prefix'],
      region: settings['store.s3.region'],
      endpoint: settings['store.s3.endpoint'],
      pathStyle: settings['store.s3.pathStyle'],
    },
    uploadsBucket: environment[environmentNames.uploadsBucket] ?? '',
    eventBus: environment[environmentNames.eventBus] ?? '',
    maxIndexBytes: index.data * 2 ** 20,
  }
}
