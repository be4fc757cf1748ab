import type { PipelineError } from '../errors.ts'
import { wasSeen } from '../learn/duplicates.ts'
import { admit, type Fate } from '../learn/intake.ts'
import { topicNames } from '../stream/topics.ts'
import type { Batch, Consumption, Partition, StartAt } from '../stream/types.ts'
import type { LearnerCheckpoints } from './learner-checkpoints.ts'
import type { LearnerMemory, LearnerParts } from './learner-memory.ts'
import { picturesElsewhere } from './pictures-elsewhere.ts'
import { quarantine } from './quarantine.ts'
import { type RecordPicture, readRecords } from './record-pictures.ts'
import { groupOf } from './role-settings.ts'
import { intakeOf } from './settings.ts'

/** Records on their way into the learner's memory. */
export interface LearnerIntake {
  /** Records behind the end of the log, as last seen. */
  readonly lag: number
  /** Begins to take records in, where memory ends. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Pictures that were erased: from now on they are passed over, and counted. */
  refuse(ids: ReadonlySet<string>): void
  /** Records between what is applied and the end of the log. */
  measureLag(): Promise<number>
  /** Tells the stream which records are done with. */
  reportProgress(offsets: Readonly<Record<string, number>>): void
  /** @throws what the stream could not recover from. */
  assertAlive(): void
}

/** Pictures that are decoded, embedded and applied at once. */
const appliedAtOnce = 64
const maxBatchBytes = 1 << 20

/** Row i of n rows that lie one after another. */
function rowOf(rows: Float32Array, i: number, n: number): Float32Array {
  const dim = rows.length / n
  return rows.slice(i * dim, (i + 1) * dim)
}

/** Intake into the learner's memory. */
export function learnerIntake(
  parts: LearnerParts,
  memory: LearnerMemory,
  exclusively: LearnerCheckpoints['exclusively'],
): LearnerIntake {
  const { pipeline, config, thread, decoders, now, onEvent } = parts
  const group = groupOf(config, 'learn')
  const { stream, blobs } = pipeline
  const admission = intakeOf(config, new Set(parts.labelled?.ids))
  const aside = quarantine(stream, topicNames.dead, 'learn', now)
  const elsewhere = picturesElsewhere(config)
  let consumption: Consumption | undefined
  let lag = 0
  let failure: PipelineError | undefined
  let refused: ReadonlySet<string> = new Set()

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
      role: 'learn' as const,
      blobs,
      decoders,
      quarantine: aside,
      elsewhere,
      maxBytes: config.limits.bytes,
      wasSeen: (id: string) => wasSeen(memory.state.seen, id),
      isErased: (id: string) => refused.has(id),
    }
    const { since = 0 } = memory
    const wanted = records.filter(({ timestamp }) => timestamp >= since)
    const outcomes = await readRecords(reader, partition, wanted)
    const pictures = outcomes.flatMap((one) => (one.outcome === 'picture' ? [one.picture] : []))
    const counted = { applied: 0, duplicate: 0, quarantined: 0, erased: 0 }
    for (const { outcome } of outcomes) if (outcome !== 'picture') counted[outcome] += 1
    const arrivals = await embedded(pictures)
    await exclusively(async () => {
      // Some may have been erased while they were decoded.
      const kept = arrivals.pictures.filter(({ id }) => !refused.has(id))
      counted.erased += pictures.length - kept.length
      const result = admit(memory.state, kept, arrivals.model, admission)
      for (const fate of result.fates) {
        if (fate === 'duplicate') counted.duplicate += 1
        else counted.applied += 1
      }
      const isNamed = (fate: Fate | undefined) => fate === 'admitted' || fate === 'held-out'
      const named = kept.filter((_, i) => isNamed(result.fates[i]))
      // Before the checkpoint that names them: they may not expire any more.
      await Promise.all(named.map(({ id }) => blobs.keep(id)))
      memory.state = result.state
      const last = records.at(-1)
      if (last !== undefined) memory.offsets[partition] = last.offset + 1
      const before = memory.counts[partition] ?? {}
      memory.counts[partition] = {
        applied: (before['applied'] ?? 0) + counted.applied,
        duplicate: (before['duplicate'] ?? 0) + counted.duplicate,
        quarantined: (before['quarantined'] ?? 0) + counted.quarantined,
        erased: (before['erased'] ?? 0) + counted.erased,
        passed: (before['passed'] ?? 0) + records.length - wanted.length,
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

  /** There is one learner: whoever holds a partition besides takes its records away. */
  const expectAll = async (partitions: readonly Partition[]): Promise<void> => {
    const all = await stream.watermarks(topicNames.unlabeled)
    if (partitions.length >= all.length) return
    const text = `alarm: expected all ${all.length} partitions of ${topicNames.unlabeled}, got ${partitions.length}: somebody else is in the group ${group}`
    onEvent({ event: 'note', text })
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
    get lag() {
      return lag
    },
    measureLag,
    start: async () => {
      await measureLag()
      consumption = await stream.subscribe({
        topics: [topicNames.unlabeled],
        group,
        maxBatchBytes,
        onAssign: async (partitions) => {
          await expectAll(partitions)
          return new Map<Partition, StartAt>(
            partitions.map((p) => [p, memory.offsets[p] ?? 'earliest']),
          )
        },
        onRevoke: async () => undefined,
        onBatch,
        onFatal: (error) => {
          failure = error
        },
      })
    },
    stop: async () => {
      await consumption?.stop()
    },
    refuse: (ids) => {
      refused = ids
    },
    reportProgress: (offsets) => {
      for (const [partition, offset] of Object.entries(offsets)) {
        consumption?.reportProgress(partition as Partition, offset)
      }
    },
    assertAlive: () => {
      if (failure !== undefined) throw failure
    },
  }
}
