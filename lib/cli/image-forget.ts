import { userInfo } from 'node:os'
import { BusyError, ConfigError, InputError, MissingError } from '../errors.ts'
import type { LearnerState } from '../learn/state.ts'
import { monotonicClock } from '../registry/clock.ts'
import { namingLineages } from '../service/erased-checkpoints.ts'
import { requestErasure } from '../service/erasures.ts'
import { forgetHere } from '../service/forget-here.ts'
import { type ForgettingState, untilForgotten } from '../service/forget-wait.ts'
import { trainedVersions } from '../service/forgotten.ts'
import type { Pipeline } from '../service/open-pipeline.ts'
import { picturesOfSource } from '../service/pictures-of-source.ts'
import { readState } from '../service/read-state.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { type Interruption, interruption } from './interruption.ts'
import { exitCodes, type Output } from './output.ts'
import { withPipeline } from './with-pipeline.ts'

interface ForgetOptions extends GlobalOptions {
  readonly source?: string
  readonly reason?: string
  readonly wait: boolean
}

/** The learner's state; absent before its first checkpoint. */
async function stateOf(pipeline: Pipeline): Promise<LearnerState | undefined> {
  try {
    return (await readState(pipeline)).state
  } catch (error) {
    if (error instanceof MissingError) return undefined
    throw error
  }
}

/** Ids as they were given; a prefix is not enough where nothing can be taken back. */
function checkedIds(ids: readonly string[]): ReadonlySet<string> {
  for (const id of ids) {
    if (/^[0-9a-f]{64}$/.test(id)) continue
    throw new InputError(
      `image forget: expected whole image ids of 64 hex characters, got '${id}'; \`image show\` tells them`,
    )
  }
  return new Set(ids)
}

function progressText({ total, learn, embed, collection }: ForgettingState): string {
  const part = (name: string, done: number) => `${name} ${done} of ${total}`
  const index = embed === undefined ? [] : [part('index', embed)]
  return `forgotten by: ${[part('learner', learn), ...index, part('collection', collection)].join(' · ')}`
}

/** Who has not acted, in words. */
function waitingText({ total, learn, embed, collection }: ForgettingState): string {
  const roles = [
    ...(learn < total ? ['learn'] : []),
    ...(embed !== undefined && embed < total ? ['embed'] : []),
    ...(collection < total ? ['collection'] : []),
  ]
  return roles.join(', ')
}

/** What no command can take back. */
function staysText({ config }: Pipeline, versions: readonly string[], lineages: readonly string[]) {
  const { stream, store, ingest } = config
  return [
    versions.length === 0
      ? 'no version was trained with it'
      : `versions that may have been trained with it: ${versions.join(', ')}`,
    'stays in backups until they are made again or removed',
    ...(store.adapter === 's3'
      ? ['stays in old object versions until the bucket expires them']
      : []),
    ...(stream.adapter === 'kafka'
      ? ['stays in records of Kafka until their retention ends; no role takes it in again']
      : []),
    ...(ingest.folders.length > 0 ? ['files in ingest.folders are yours to remove'] : []),
    ...lineages.map((one) => `lineage ${one} names it until its learner runs again`),
  ]
}

/** Has it done, here where nobody else works, else by the roles that do; false if interrupted. */
async function done(
  pipeline: Pipeline,
  ids: ReadonlySet<string>,
  output: Output,
  { signal }: Interruption,
): Promise<boolean> {
  const { stream, store } = pipeline.config
  const parts = { now: Date.now, clock: monotonicClock, signal }
  if (stream.adapter === 'sqlite' && store.adapter === 'file') {
    try {
      await forgetHere(pipeline, ids, parts)
      return true
    } catch (error) {
      if (signal.aborted) return false
      if (!(error instanceof BusyError)) throw error
      output.note('waits for the service that runs')
    }
  }
  return untilForgotten(pipeline, ids, {
    ...parts,
    onProgress: (state) => output.note(progressText(state)),
    onSilence: (state) => output.note(`still waits for: ${waitingText(state)}; do they run?`),
  })
}

/** `contrastream image forget` */
export async function imageForget(
  [given]: readonly (string | readonly string[])[],
  options: ForgetOptions,
): Promise<void> {
  const { config, output } = contextOf('image forget', options)
  const { source, wait, reason: why = 'asked by a command' } = options
  const named = checkedIds([given ?? []].flat())
  if ((named.size === 0) === (source === undefined)) {
    throw new ConfigError(
      'image forget: expected either image ids or --source <name>, got neither or both',
    )
  }
  const stop = interruption(output.note, config.run.deadline)
  try {
    await withPipeline(config, async (pipeline) => {
      const { documents, registry } = pipeline
      const state = await stateOf(pipeline)
      const ids = source === undefined ? named : await picturesOfSource(pipeline, state, source)
      if (ids.size === 0) return output.note(`no picture of ${source} is known any more`)
      const versions = await trainedVersions(registry, state, ids)
      const by = `cli:${userInfo().username}`
      for (const id of ids) await requestErasure(documents, id, { by, at: Date.now(), why })
      const isDone = wait && (await done(pipeline, ids, output, stop))
      if (wait && !isDone) process.exitCode = exitCodes.interrupted
      const stays = staysText(pipeline, versions, isDone ? await namingLineages(registry, ids) : [])
      output.result({ event: isDone ? 'forgotten' : 'asked', ids: [...ids], versions, stays }, () =>
        [
          isDone
            ? `${ids.size} pictures are forgotten`
            : `asked every role to forget ${ids.size} pictures; the same command waits for it`,
          ...stays,
        ].join('\n'),
      )
    })
  } finally {
    stop.release()
  }
}
