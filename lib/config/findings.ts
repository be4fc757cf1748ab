import { existsSync } from 'node:fs'
import { pretrainedNames } from '../model/options.ts'
import type { Config } from './schema.ts'

/** A fault that no single setting shows. */
export interface Finding {
  /** Dotted key of the setting to change. */
  readonly key: string
  /** What was expected and what arrived. */
  readonly fault: string
  readonly remedy: string
}

const backbones: readonly string[] = [...pretrainedNames, 'conv4']
const isUrl = (text: string): boolean => /^https?:\/\//.test(text)

function backboneFinding({ model: { backbone } }: Config): Finding | undefined {
  if (backbones.includes(backbone) || isUrl(backbone) || existsSync(backbone)) return undefined
  return {
    key: 'model.backbone',
    fault: `expected ${backbones.join(', ')}, a URL or a path that exists, got ${backbone}`,
    remedy: 'correct the name or the path',
  }
}

function engineFinding({ engine, model: { recipe } }: Config): Finding | undefined {
  if (engine !== 'wasm' || recipe === 'auto' || recipe === 'head') return undefined
  return {
    key: 'model.recipe',
    fault: `expected head on the wasm engine, which has no gradients of convolutions, got ${recipe}`,
    remedy: 'set engine to auto and run `contrastream engine install`, or set recipe to head',
  }
}

function headFinding({ model: { backbone, recipe } }: Config): Finding | undefined {
  if (backbone !== 'conv4' || recipe !== 'head') return undefined
  return {
    key: 'model.recipe',
    fault: 'expected scratch or finetune for conv4, whose weights are not pretrained, got head',
    remedy: 'set recipe to auto, or choose a pretrained backbone',
  }
}

function capacityFinding({ learn: { k, buffer, start } }: Config): Finding | undefined {
  const { capacity } = buffer
  if (k !== 'auto' && capacity < 4 * k) {
    return {
      key: 'learn.buffer.capacity',
      fault: `expected at least 4 pictures for each of learn.k = ${k} clusters (${4 * k}), got ${capacity}`,
      remedy: 'raise the capacity or lower learn.k',
    }
  }
  if (start.buffered === 'auto' || start.buffered <= capacity) return undefined
  return {
    key: 'learn.start.buffered',
    fault: `expected at most the capacity of the buffer (${capacity}), got ${start.buffered}: no round would start`,
    remedy: 'raise learn.buffer.capacity or lower learn.start.buffered',
  }
}

function batchFinding({ learn: { k, batch } }: Config): Finding | undefined {
  if (k === 'auto' || batch.clusters <= k) return undefined
  return {
    key: 'learn.batch.clusters',
    fault: `expected at most learn.k = ${k} clusters a batch, got ${batch.clusters}`,
    remedy: 'lower learn.batch.clusters or raise learn.k',
  }
}

const hourMs = 3_600_000

function picturesFinding({ pictures: { retention }, log }: Config): Finding | undefined {
  const hours = log.retention.hours + 24
  if (retention === 'auto' || retention >= hours * hourMs) return undefined
  return {
    key: 'pictures.retention',
    fault: `expected at least log.retention.hours and a day (${hours}h), so that a record's picture outlives it, got ${retention / hourMs}h`,
    remedy: 'raise pictures.retention or lower log.retention.hours',
  }
}

function logFinding({ log, stream: { maxRecordBytes } }: Config): Finding | undefined {
  const { bytes } = log.retention
  if (bytes >= 10 * maxRecordBytes) return undefined
  return {
    key: 'log.retention.bytes',
    fault: `expected room for ten records of stream.maxRecordBytes (${10 * maxRecordBytes}), got ${bytes}: intake would wait at every record`,
    remedy: 'raise log.retention.bytes',
  }
}

function checkpointFinding({ learn: { checkpointEvery } }: Config): Finding | undefined {
  if (checkpointEvery < 24 * hourMs) return undefined
  return {
    key: 'learn.checkpointEvery',
    fault: `expected less than 24h, after which housekeeping takes what no checkpoint names, got ${checkpointEvery / hourMs}h`,
    remedy: 'lower learn.checkpointEvery',
  }
}

function kafkaFinding({ stream, store, kafka }: Config): Finding | undefined {
  if (stream.adapter !== 'kafka') return undefined
  if (kafka.brokers.length === 0) {
    return {
      key: 'kafka.brokers',
      fault: 'expected at least one host:port for the kafka stream, got none',
      remedy: 'name the brokers, or set stream.adapter to sqlite',
    }
  }
  if (store.adapter !== 'file') return undefined
  return {
    key: 'store.adapter',
    fault:
      'expected s3 beside the kafka stream, got file: roles of other machines do not see the folder',
    remedy: 'set store.adapter to s3, or keep all roles on this machine',
  }
}

/** Settings that each login needs. */
const loginSettings = {
  none: [],
  scram: ['username', 'passwordFile'],
  mtls: ['certFile', 'keyFile'],
  iam: ['region'],
} as const

function loginFinding({ stream, kafka: { auth } }: Config): Finding | undefined {
  if (stream.adapter !== 'kafka') return undefined
  const missing = loginSettings[auth.kind].find((name) => auth[name] === '')
  if (missing === undefined) return undefined
  return {
    key: `kafka.auth.${missing}`,
    fault: `expected it for the login ${auth.kind}, got none`,
    remedy: 'set it, or choose another kafka.auth.kind',
  }
}

function folderFindings({ ingest }: Config): readonly Finding[] {
  return ingest.folders
    .filter((path) => !existsSync(path))
    .map((path) => ({
      key: 'ingest.folders',
      fault: `expected something at ${path}, there is nothing`,
      remedy: 'correct the path',
    }))
}

const rules = [
  backboneFinding,
  engineFinding,
  headFinding,
  capacityFinding,
  batchFinding,
  picturesFinding,
  logFinding,
  checkpointFinding,
  kafkaFinding,
  loginFinding,
] as const

/** Settings that are in range each and do not fit each other, or this machine's folders. */
export function findFaults(config: Config): readonly Finding[] {
  const found = rules.map((rule) => rule(config)).filter((finding) => finding !== undefined)
  return [...found, ...folderFindings(config)]
}
