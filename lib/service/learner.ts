import { ConfigError, type PipelineError } from '../errors.ts'
import { preprocessingHash } from '../image/fingerprint.ts'
import type { Preprocessing } from '../image/options.ts'
import { freshCount } from '../learn/buffer.ts'
import {
  type Checkpoints,
  type NextCheckpoint,
  openCheckpoint,
  type Saved,
} from '../learn/checkpoint.ts'
import { driftRatio } from '../learn/drift.ts'
import { wasSeen } from '../learn/duplicates.ts'
import { heldOutPictures } from '../learn/held-out.ts'
import { admit } from '../learn/intake.ts'
import { type Outlets, releaseWithoutIndex, resumePublish } from '../learn/publish.ts'
import type { RoundProgress } from '../learn/round.ts'
import { checkStart, type StartCheck } from '../learn/start-rule.ts'
import { emptyState } from '../learn/state.ts'
import { partNames, partOf, stateOf } from '../learn/state-parts.ts'
import { digestOf } from '../registry/digest.ts'
import { topicNames } from '../stream/topics.ts'
import type { Batch, Consumption, Partition, StartAt } from '../stream/types.ts'
import type { Baseline } from './baseline.ts'
import type { LearnerStatus, RoundEnded } from './events.ts'
import type { Counts, LearnerMemory, LearnerParts } from './learner-memory.ts'
import { learnerRounds } from './learner-rounds.ts'
import { quarantine } from './quarantine.ts'
import { type RecordPicture, readRecords } from './record-pictures.ts'
import { intakeOf, startOf } from './settings.ts'
import { type VersionModel, versionModel } from './version-model.ts'

/** The single writer: takes records in, runs rounds, publishes. */
export interface Learner {
  readonly status: LearnerStatus
  /** Begins to take records in. */
  start(): Promise<void>
  /** Whether a round would start now, and what is missing. */
  check(): StartCheck
  /** Runs a round to its end; undefined if too little is buffered. */
  round(): Promise<RoundEnded | undefined>
  /** Goes on with what a crash interrupted: a publish, then a round. */
  resume(): Promise<void>
  /** Told by the engine's thread. */
  progress(progress: RoundProgress): void
  /** Records between what is applied and the end of the log. */
  measureLag(): Promise<number>
  checkpoint(): Promise<void>
  /** Stops intake and writes the last checkpoint. */
  stop(): Promise<void>
}

/** Pictures that are decoded, embedded and applied at once. */
const appliedAtOnce = 64
const maxBatchBytes = 1 << 20

const totalOf = (counts: Counts, outcome: string): number =>
  Object.values(counts).reduce((sum, one) => sum + (one[outcome] ?? 0), 0)

/** Hash of the settings that change what a vector means: another one needs another lineage. */
export function settingsHash(preprocessing: Preprocessing, baseline: Baseline): string {
  const text = `${preprocessingHash(preprocessing)} ${baseline.digest}`
  return digestOf(new TextEncoder().encode(text))
}

/**
 * Loads the learner's state and prepares it to take records in.
 *
 * At the first start of a lineage it publishes the baseline, which serves until a round does
 * better.
 *
 * @throws {@link ConfigError} if image, backbone or dimension changed under the same lineage.
 * @throws {@link LeaseLostError} if another learner is the single writer.
 */
export async function openLearner(parts: LearnerParts): Promise<Learner> {
  const { pipeline, config, lease, owner, thread, decoders, now, onEvent } = parts
  const { stream, registry, blobs, documents } = pipeline
  const log = await stream.identity()
  const checkpoints: Checkpoints = openCheckpoint({
    documents,
    blobs,
    lineage: config.lineage,
    fence: lease.fence,
    log,
  })
  const out: Outlets = { checkpoints, registry, stream, fence: lease.fence, by: owner, now }
  const settings = settingsHash(parts.preprocessing, parts.baseline)
  const loaded = await checkpoints.load()
  // Whatever an earlier learner still tries to publish fails from here on.
  await registry.candidate.adopt(lease.fence)
  if (loaded !== undefined && loaded.saved.head.settings !== settings) {
    throw new ConfigError(
      `config: expected the image and backbone settings that lineage ${config.lineage} began with, got others; undo the change, or begin a new history with --lineage <name>`,
    )
  }
  if (loaded?.fallback !== undefined) {
    const { from, to, damaged } = loaded.fallback
    const text = `checkpoint ${from} is damaged in ${damaged.join(', ')}: went back to checkpoint ${to}`
    onEvent({ event: 'note', text })
  }
  const memory: LearnerMemory = {
    state: loaded === undefined ? emptyState : stateOf(loaded.parts),
    offsets: { ...loaded?.saved.head.offsets },
    counts: structuredClone({ ...loaded?.saved.head.counts }) as Counts,
    saved: loaded?.saved,
    champion: undefined as unknown as VersionModel,
    random: { rounds: Number(loaded?.saved.head.random['rounds'] ?? 0) },
    progress: undefined,
  }
  const frozenAtStart = loaded?.round
  let savedOffsets: Record<string, number> = { ...memory.offsets }
  let busy: Promise<unknown> = Promise.resolve()

  /** Runs what changes state or checkpoint, one at a time. */
  const exclusively = <T>(work: () => Promise<T>): Promise<T> => {
    const result = busy.then(work)
    busy = result.catch(() => undefined)
    return result
  }

  /** What is in memory now, as the next checkpoint. */
  const content = (changes: Partial<Pick<Saved['head'], 'round'>> = {}): NextCheckpoint => {
    const head = memory.saved?.head
    const named = partNames.flatMap((name) => {
      const part = partOf(memory.state, name)
      return part === undefined ? [] : [[name, part] as const]
    })
    return {
      at: now(),
      offsets: { ...memory.offsets },
      counts: structuredClone(memory.counts),
      random: { ...memory.random },
      settings,
      model: head?.model ?? { next: 1 },
      ...(head?.round && { round: head.round }),
      ...changes,
      parts: Object.fromEntries(named),
      from: savedOffsets,
    }
  }

  /** Notes a checkpoint that was written; only now its records count as done with. */
  const keep = (saved: Saved): void => {
    memory.saved = saved
    savedOffsets = { ...saved.head.offsets }
    for (const [partition, offset] of Object.entries(savedOffsets)) {
      consumption?.reportProgress(partition as Partition, offset)
    }
  }

  const write = async (changes: Partial<Pick<Saved['head'], 'round'>> = {}): Promise<void> => {
    lease.assertHeld()
    keep(await checkpoints.replace(memory.saved, content(changes)))
  }

  /** Makes the version that `stable` names the one that embeds newcomers. */
  const useStable = async () => {
    const stable = await registry.stable.read()
    if (stable === undefined || stable.version === memory.champion?.version) return
    memory.champion = versionModel(await registry.loadVersion(stable.version))
    const { files, mean } = memory.champion
    await thread.call.useModel({ files, mean })
    onEvent({ event: 'stable', version: stable.version, why: stable.move.why })
  }

  let consumption: Consumption | undefined
  const rounds = learnerRounds({ parts, memory, out, exclusively, write, content, keep, useStable })
  let lag = 0
  let failure: PipelineError | undefined
  const aside = quarantine(stream, topicNames.dead, 'learn', now)

  /** Embeds decoded pictures by the champion and, for the drift watch, by the frozen backbone. */
  const embedded = async (pictures: readonly RecordPicture[]) => {
    const { champion } = memory
    const model = { digest: champion.digest, isCentred: champion.mean !== undefined }
    if (pictures.length === 0) return { model, pictures: [] }
    const each = pictures[0]?.image.pixels.length ?? 0
    const pixels = new Uint8Array(each * pictures.length)
    for (const [i, { image }] of pictures.entries()) pixels.set(image.pixels, i * each)
    const { vectors, reference } = await thread.call.take({
      ids: pictures.map(({ id }) => id),
      pixels,
      reference: memory.state.drift !== undefined,
    })
    const arrivals = pictures.map(({ id, source, at, image }, i) => ({
      id,
      source,
      at,
      fingerprint: image.fingerprint,
      embedding: rowOf(vectors, i, pictures.length),
      reference: reference && rowOf(reference, i, pictures.length),
    }))
    return { model, pictures: arrivals }
  }

  const apply = async (partition: Partition, records: Batch['records']): Promise<void> => {
    const reader = {
      blobs,
      decoders,
      quarantine: aside,
      maxBytes: config.limits.bytes,
      wasSeen: (id: string) => wasSeen(memory.state.seen, id),
    }
    const outcomes = await readRecords(reader, partition, records)
    const pictures = outcomes.flatMap((one) => (one.outcome === 'picture' ? [one.picture] : []))
    const counted = { applied: 0, duplicate: 0, quarantined: 0 }
    for (const { outcome } of outcomes) {
      if (outcome === 'duplicate' || outcome === 'quarantined') counted[outcome] += 1
    }
    const arrivals = await embedded(pictures)
    await exclusively(async () => {
      const result = admit(memory.state, arrivals.pictures, arrivals.model, intakeOf(config))
      for (const [i, fate] of result.fates.entries()) {
        if (fate === 'duplicate') counted.duplicate += 1
        else counted.applied += 1
        // Before the checkpoint that names it: the picture may not expire any more.
        if (fate === 'admitted' || fate === 'held-out') await blobs.keep(pictures[i]?.id as string)
      }
      memory.state = result.state
      const last = records.at(-1)
      if (last !== undefined) memory.offsets[partition] = last.offset + 1
      const before = memory.counts[partition] ?? {}
      memory.counts[partition] = {
        applied: (before['applied'] ?? 0) + counted.applied,
        duplicate: (before['duplicate'] ?? 0) + counted.duplicate,
        quarantined: (before['quarantined'] ?? 0) + counted.quarantined,
      }
    })
  }

  const onBatch = async (batch: Batch, signal: AbortSignal): Promise<void> => {
    const expected = memory.offsets[batch.partition] ?? 0
    const records = batch.records.filter(({ offset }) => offset >= expected)
    for (let at = 0; at < records.length; at += appliedAtOnce) {
      if (signal.aborted) return
      await apply(batch.partition, records.slice(at, at + appliedAtOnce))
      lag = Math.max(0, batch.high - (memory.offsets[batch.partition] ?? 0))
    }
  }

  const measureLag = async (): Promise<number> => {
    const marks = await stream.watermarks(topicNames.unlabeled)
    lag = marks.reduce(
      (sum, { partition, high }) => sum + Math.max(0, high - (memory.offsets[partition] ?? 0)),
      0,
    )
    return lag
  }

  return {
    get status() {
      if (failure !== undefined) throw failure
      const { state, counts } = memory
      return {
        applied: state.seen.applied,
        heldOut: heldOutPictures(state.heldOut).length,
        buffered: state.buffer.entries.size,
        fresh: freshCount(state.buffer),
        duplicates: totalOf(counts, 'duplicate'),
        quarantined: totalOf(counts, 'quarantined'),
        lag,
        rounds: memory.random.rounds,
        stable: memory.champion?.version,
        round: memory.progress,
        driftRatio: driftRatio(state.drift),
      }
    },
    resume: async () => {
      if (memory.saved !== undefined) {
        const done = await resumePublish(memory.saved, out)
        if (done !== undefined) keep(done.saved)
        await releaseWithoutIndex(out, { promotion: config.release.promotion })
      }
      await rounds.publishBaseline()
      await useStable()
      if (memory.saved !== undefined && memory.state.seen.applied > 0) {
        const { seen, buffer } = memory.state
        onEvent({ event: 'resumed', applied: seen.applied, buffered: buffer.entries.size })
      }
      const round = memory.saved?.head.round
      if (round !== undefined && frozenAtStart !== undefined) {
        await rounds.run(stateOf(frozenAtStart), round)
      }
    },
    start: async () => {
      await measureLag()
      consumption = await stream.subscribe({
        topics: [topicNames.unlabeled],
        group: `contrastream-${config.name}-learn${config.lineage === 'main' ? '' : `-${config.lineage}`}`,
        maxBatchBytes,
        onAssign: async (partitions) =>
          new Map<Partition, StartAt>(partitions.map((p) => [p, memory.offsets[p] ?? 'earliest'])),
        onRevoke: async () => undefined,
        onBatch,
        onFatal: (error) => {
          failure = error
        },
      })
    },
    check: () => checkStart(memory.state, startOf(config)),
    round: async () => {
      if (failure !== undefined) throw failure
      if (!checkStart(memory.state, startOf(config)).mayStart) return undefined
      await useStable()
      return rounds.begin()
    },
    progress: (progress) => {
      if (memory.progress !== undefined) memory.progress = { ...memory.progress, progress }
    },
    measureLag,
    checkpoint: () => exclusively(() => write()),
    stop: async () => {
      await consumption?.stop()
      await exclusively(() => write())
    },
  }
}

/** Row i of n rows that lie one after another. */
function rowOf(rows: Float32Array, i: number, n: number): Float32Array {
  const dim = rows.length / n
  return rows.slice(i * dim, (i + 1) * dim)
}
