import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { freemem, totalmem } from 'node:os'
import type { Config } from '../config/schema.ts'
import { engineCache } from '../engine/engine-cache.ts'
import { type EngineName, selectEngine } from '../engine/select.ts'
import { isPretrained } from '../model/options.ts'
import { backboneCacheFolder } from '../service/cache-folder.ts'
import { openDatabase } from '../service/database.ts'
import { diskSpace } from '../service/disk-space.ts'
import { memoryBound } from '../service/memory-bound.ts'
import { kafkaPlace } from '../service/open-kafka.ts'
import { s3Place } from '../service/open-stores.ts'
import { topicsOf } from '../service/open-stream.ts'
import { groupOf } from '../service/role-settings.ts'
import { topicNames } from '../stream/topics.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { exitCodes } from './output.ts'

interface Finding {
  readonly what: string
  readonly ok: boolean
  readonly detail: string
  /** What to do about it. */
  readonly remedy?: string
}

const gigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`

function node(): Finding {
  const version = process.versions.node
  const ok = Number(version.split('.')[0]) >= 24
  return { what: 'Node', ok, detail: version, ...(!ok && { remedy: 'install Node 24 or newer' }) }
}

const engineTitle = (name: EngineName): string => `engine ${name}`

async function engines(): Promise<readonly Finding[]> {
  const { considered } = await selectEngine('auto')
  return considered.map(({ name, ok, detail }) => ({ what: engineTitle(name), ok, detail }))
}

/** A program that installations call; where nothing is left to install, its absence is a note. */
function tool(
  what: string,
  [program, ...args]: readonly [string, ...string[]],
  isNeeded: boolean,
  remedy: string,
): Finding {
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8' })
  if (status === 0) return { what, ok: true, detail: stdout.split('\n')[0] ?? '' }
  if (!isNeeded) return { what, ok: true, detail: 'not found, and not needed: all is installed' }
  return { what, ok: false, detail: 'not found', remedy }
}

/** What installs the native engine and pretrained backbones. */
function tools({ model }: Config, engines: readonly Finding[]): readonly Finding[] {
  const hasEngine = engines.some(({ what, ok }) => what === engineTitle('tensorflow') && ok)
  const isFetched = (name: string) => installedBackbones().some((one) => one.startsWith(`${name}-`))
  const hasBackbone = !isPretrained(model.backbone) || isFetched(model.backbone)
  const needsPip = !(hasEngine && hasBackbone)
  const pip = ['python3', '-m', 'pip', '--version'] as const
  return [
    tool('Python with pip', pip, needsPip, 'install python3 and pip'),
    tool('C++ compiler', ['g++', '--version'], !hasEngine, 'install g++'),
  ]
}

function disk({ data, disk: settings }: Config): Finding {
  const { free, floor } = diskSpace(data, settings.floor)
  const ok = free > floor
  const detail = `${gigabytes(free)} free, intake waits below ${gigabytes(floor)}`
  return {
    what: 'disk',
    ok,
    detail,
    ...(!ok && { remedy: 'free space, or choose another --data' }),
  }
}

function dataFolder(folder: string): Finding {
  if (!existsSync(folder)) return { what: 'data', ok: true, detail: `${folder} does not exist yet` }
  try {
    openDatabase(folder).close()
    return { what: 'data', ok: true, detail: folder }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    return { what: 'data', ok: false, detail, remedy: 'restore a backup, or choose another --data' }
  }
}

/** Folders of the pretrained networks that were fetched. */
function installedBackbones(): readonly string[] {
  const folder = backboneCacheFolder()
  if (!existsSync(folder)) return []
  return readdirSync(folder).filter((name) => !name.startsWith('.'))
}

function backbones(): Finding {
  const found = installedBackbones()
  const detail = found.length === 0 ? 'none fetched yet' : found.join(', ')
  return { what: 'backbones', ok: true, detail }
}

/** Whether the machine has what a run may need at most. */
function memory(config: Config): Finding {
  const bound = memoryBound(config).reduce((sum, { bytes }) => sum + bytes, 0)
  const detail = `${gigabytes(freemem())} free of ${gigabytes(totalmem())}, a run needs at most ${gigabytes(bound)}`
  const ok = bound <= totalmem()
  const remedy = 'a smaller learn.buffer.capacity, image.size or limits.decoders'
  return { what: 'memory', ok, detail, ...(!ok && { remedy }) }
}

/** Whether the bucket of the stores, if they are in one, honours what they rely on. */
async function bucket(config: Config): Promise<readonly Finding[]> {
  if (config.store.adapter !== 's3') return []
  const { s3Client } = await import('../store/s3-client.ts')
  const { checkBucket } = await import('../store/s3-check.ts')
  const client = s3Client(config.store.s3)
  const found = await checkBucket(client, s3Place(config), { attempts: 2 })
  client.destroy()
  return found.map((finding) => ({ ...finding, what: `bucket ${finding.what}` }))
}

/** Whether Kafka, if it carries the records, is what the roles need. */
async function kafka(config: Config): Promise<readonly Finding[]> {
  if (config.stream.adapter !== 'kafka') return []
  const { checkKafka } = await import('../stream/kafka-check.ts')
  const { connection, options } = kafkaPlace(config)
  const found = await checkKafka(connection, options, {
    topics: topicsOf(config),
    alike: [topicNames.unlabeled, topicNames.embedded],
    groups: [groupOf(config, 'learn'), groupOf(config, 'embed')],
  })
  return found.map((finding) => ({ ...finding, what: `kafka ${finding.what}` }))
}

/** `contrastream doctor`: exit code 3 when something needs a remedy. */
export async function doctorCommand(
  _: readonly (string | readonly string[])[],
  options: GlobalOptions,
): Promise<void> {
  const { config, output } = contextOf('doctor', options)
  const loaded = await engines()
  const findings: readonly Finding[] = [
    node(),
    ...loaded,
    ...tools(config, loaded),
    memory(config),
    disk(config),
    dataFolder(config.data),
    ...(await bucket(config)),
    ...(await kafka(config)),
    backbones(),
    { what: 'cache', ok: true, detail: engineCache() },
  ]
  for (const { what, ok, detail, remedy } of findings) {
    const text = `${ok ? 'ok  ' : 'FAIL'}  ${what.padEnd(18)} ${detail}${remedy === undefined ? '' : ` → ${remedy}`}`
    output.result({ event: 'finding', what, ok, detail, remedy }, text)
  }
  if (findings.some(({ ok }) => !ok)) process.exitCode = exitCodes.refused
}
