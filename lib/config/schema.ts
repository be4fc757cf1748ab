import { z } from 'zod'
import { topicNames } from '../stream/topics.ts'
import { duration, size } from './units.ts'

const auto = z.literal('auto')
const orAuto = <T extends z.ZodType>(type: T) => z.union([auto, type]).default('auto' as never)
const share = z.number().min(0).max(1)
const count = z.int().min(1)
/** A section whose every setting has a default, so that it may be left out. */
const section = <T extends z.ZodRawShape>(shape: T) => z.strictObject(shape).prefault({} as never)
const name = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'expected [a-z][a-z0-9-]{0,31}')

const ingest = section({
  folders: z.array(z.string()).default([]).describe('Read and watched, subfolders too'),
  source: z.string().min(1).default('local').describe('Source of pictures that name none'),
})

const image = section({
  size: orAuto(z.int().min(16).max(1024)).describe('Side in pixels'),
  channels: z.enum(['rgb', 'grey']).default('rgb'),
  background: z
    .string()
    .regex(/^#[0-9a-fA-F]{6}$/, 'expected #rrggbb')
    .default('#808080')
    .describe('Under transparent pixels'),
  formats: z
    .array(z.enum(['jpeg', 'png', 'webp', 'gif', 'avif', 'tiff']))
    .default(['jpeg', 'png', 'webp']),
})

const model = section({
  backbone: z
    .string()
    .min(1)
    .default('mobilenet-v2')
    .describe('mobilenet-v2, efficientnet-lite0, conv4, or a path or URL of a model.json'),
  recipe: orAuto(z.enum(['head', 'finetune', 'scratch'])),
  dim: orAuto(z.int().min(2).max(4096)),
})

const loss = section({
  preset: z.enum(['calibrated', 'paper', 'multi-similarity', 'adaptive']).default('calibrated'),
  aP: orAuto(z.number().min(-1).max(1)),
  bP: orAuto(z.number().min(1e-3)),
  aN: orAuto(z.number().min(-1).max(1)),
  bN: orAuto(z.number().min(1e-3)),
  margin: orAuto(z.number().min(0).max(2)),
  lambda: orAuto(z.number().min(0)),
  gamma: orAuto(share),
  reduction: orAuto(z.enum(['sum', 'mean', 'meanRef'])),
})

const learn = section({
  profile: orAuto(z.enum(['small', 'standard'])),
  start: section({
    buffered: orAuto(count),
    fresh: orAuto(count),
    onDrift: z.boolean().default(true),
  }),
  minInterval: duration.prefault('0s').describe('From one start of a round to the next'),
  k: orAuto(z.int().min(2)),
  steps: orAuto(count),
  maxRoundTime: orAuto(duration),
  recluster: orAuto(count),
  batch: section({
    clusters: z.int().min(2).max(256).default(15),
    slots: z.int().min(2).max(64).multipleOf(2).default(8),
    newShare: share.default(0.5),
  }),
  loss,
  optimiser: section({
    rate: orAuto(z.number().positive()),
    weightDecay: orAuto(z.number().min(0)),
    cooldown: orAuto(share).describe('Share of a round over which the rate falls to 0'),
    teacherDecay: orAuto(z.number().min(0).max(1)),
  }),
  trust: section({ marginDrop: share.default(0.15) }),
  buffer: section({
    capacity: z.int().min(100).default(20_000),
    policy: z.enum(['mixed', 'fifo', 'reservoir']).default('mixed'),
    maxSourceShare: share.default(0.25),
  }),
  checkpointEvery: duration.prefault('5m'),
})

const port = z.int().min(0).max(65_535)
const http = section({
  host: z.string().min(1).default('127.0.0.1').describe('Address of the data port'),
  port: port.default(8080).describe('Data port; 0 takes a free one'),
  adminHost: z.string().min(1).default('127.0.0.1').describe('Address of the admin port'),
  adminPort: port.default(9090),
  names: z.array(z.string().min(1)).default([]).describe('Further Host names to answer to'),
  rate: count.default(6000).describe('Requests a minute per token'),
  headerTimeout: duration.prefault('10s').describe('For the head of a request'),
  bodyTimeout: duration.prefault('30s').describe('For the body after it'),
})

const store = z
  .strictObject({
    adapter: z.enum(['file', 's3']).default('file').describe('Of blobs and documents'),
    allow: z
      .array(
        z
          .string()
          .regex(
            /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[\w.-]+)*$/,
            'expected bucket or bucket/folder',
          ),
      )
      .default([])
      .describe('Other buckets, or folders in them, that an envelope may name'),
    s3: section({
      bucket: z
        .string()
        .regex(/^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$/, 'expected the name of a bucket')
        .default(''),
      prefix: z
        .string()
        .regex(/^([\w.-]+(\/[\w.-]+)*)?$/, 'expected a path without slashes at its ends')
        .default('')
        .describe('Path in the bucket, before the name of the pipeline'),
      region: z.string().default('').describe('Of the bucket; empty: what the environment says'),
      endpoint: z
        .union([z.literal(''), z.url({ protocol: /^https?$/ })])
        .default('')
        .describe('URL of a server other than AWS'),
      pathStyle: z.boolean().default(false).describe('Most servers other than AWS want it'),
    }),
  })
  .refine(({ adapter, s3 }) => adapter !== 's3' || s3.bucket !== '', {
    path: ['s3', 'bucket'],
    message: 'expected the name of a bucket for the adapter s3, got none',
  })
  .prefault({})

const ourTopics: readonly string[] = Object.values(topicNames)
const text = z.string().default('')
const kafka = section({
  brokers: z.array(z.string().regex(/^.+:\d+$/, 'expected host:port')).default([]),
  auth: section({
    kind: z.enum(['none', 'scram', 'mtls', 'iam']).default('none'),
    mechanism: z.enum(['scram-sha-256', 'scram-sha-512']).default('scram-sha-512'),
    username: text.describe('For scram'),
    passwordFile: text.describe('For scram'),
    certFile: text.describe('For mtls, PEM'),
    keyFile: text.describe('For mtls, PEM'),
    region: text.describe('For iam'),
  }),
  tls: orAuto(z.boolean()).describe('auto: for every login but none'),
  caFile: text.describe('Authorities to trust instead of the system’s, PEM'),
  ensureTopics: z.boolean().default(true).describe('Make missing topics; else only check them'),
  partitions: count.default(6).describe('Of topics that we make'),
  topicPrefix: orAuto(z.string().regex(/^[A-Za-z0-9._-]*$/)).describe(
    'auto: none for the pipeline main, else `<name>.`',
  ),
  topics: z
    .record(z.string(), z.string().min(1))
    .refine((topics) => Object.keys(topics).every((name) => ourTopics.includes(name)), {
      error: `expected the names of our topics (${ourTopics.join(', ')})`,
    })
    .default({})
    .describe('Names of single topics, such as one that a producer fills already'),
})

/** Every setting of the pipeline; all have defaults, unknown keys are errors. */
export const configSchema = z.strictObject({
  name: name.default('main').describe('Pipeline; in group names, store and topic prefixes'),
  lineage: name.default('main').describe('History of one learner'),
  data: z
    .string()
    .min(1)
    .default('./contrastream-data')
    .describe('Folder of the embedded adapters'),
  engine: z.enum(['auto', 'tensorflow', 'wasm']).default('auto'),
  seed: z.int().default(1),
  ingest,
  image,
  model,
  learn,
  gate: section({
    labels: z
      .string()
      .default('')
      .describe('Folder of class folders, or picture,class CSV: pictures that judge, never train'),
  }),
  release: section({
    promotion: z.enum(['auto', 'manual']).default('auto'),
    keep: count.default(10).describe('Versions that stay, besides those in use'),
    poll: duration.prefault('30s').describe('Time between two looks at `stable`'),
  }),
  search: section({
    enabled: z
      .boolean()
      .default(true)
      .describe('A service builds an index; without it `learn` moves `stable` by itself'),
  }),
  index: section({
    maxVectors: count.default(200_000).describe('Beyond it the oldest leave'),
    retention: orAuto(duration).describe('auto: that of pictures'),
    minCoverage: share.default(0.99).describe('Of the pictures that a new index must have'),
    minRecall: share.default(0.99).describe('Of the true neighbours that it must find'),
  }),
  pictures: section({
    retention: orAuto(duration).describe('Of pictures that nothing needs; auto: for ever'),
  }),
  log: section({
    retention: section({
      hours: count.default(168),
      bytes: size.prefault('20GiB').describe('Above it the oldest go, once they are applied'),
    }),
  }),
  stream: section({
    adapter: z.enum(['sqlite', 'kafka']).default('sqlite'),
    maxRecordBytes: size.prefault('1MB'),
  }),
  kafka,
  store,
  disk: section({ floor: orAuto(size) }),
  http,
  limits: section({
    bytes: size.prefault('20MiB'),
    pixels: count.default(50_000_000),
    minSide: count.default(16),
    batch: count.default(64).describe('Pictures in one request'),
    neighbours: count.default(1000).describe('Neighbours in one answer'),
    decodeTimeout: duration.prefault('5s'),
    decoders: orAuto(count),
    queue: size.prefault('256MiB').describe('Pictures in memory at a time, per role'),
  }),
  run: section({
    watchdog: duration.prefault('120s').describe('Work without progress ends the process'),
    drain: duration.prefault('5s').describe('Requests are still answered after SIGTERM'),
    deadline: duration.prefault('25s').describe('From the first signal to the end of the process'),
  }),
  logging: section({
    level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
    format: z.enum(['auto', 'text', 'json']).default('auto').describe('auto: text on a terminal'),
  }),
})

/** The settings in force, durations in ms and sizes in bytes. */
export type Config = z.infer<typeof configSchema>
/** Settings as a user writes them. */
export type ConfigInput = z.input<typeof configSchema>
