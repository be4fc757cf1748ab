import type { CheckpointHead } from '../registry/checkpoint-head.ts'
import {
  type CollectionPlan,
  type CollectOptions,
  collect,
  planCollection,
} from '../registry/collect.ts'
import {
  type CollectedPictures,
  type CollectPicturesOptions,
  collectPictures,
  planPictures,
} from '../registry/collect-pictures.ts'
import { collectionRoots } from '../registry/collection-roots.ts'
import type { Lease } from '../registry/lease-document.ts'
import { type SweepOptions, type Swept, sweepBlobs } from '../store/file-sweep.ts'
import type { Amount, Digest, Space } from '../store/types.ts'
import type { Retained, RetentionLimits } from '../stream/sqlite-retention.ts'
import { quarantineMs, topicNames } from '../stream/topics.ts'
import { collectErased } from './collect-erased.ts'
import { openErasures } from './erasures.ts'
import { houseLog } from './house-log.ts'
import { appliedOffsets } from './housekeeping-offsets.ts'
import { namedPictures } from './housekeeping-pictures.ts'
import type { Pipeline } from './open-pipeline.ts'

/** What housekeeping works on. */
export type House = Pick<Pipeline, 'config' | 'database' | 'stream' | 'registry'>

/** What went, or would. */
export interface HousekeepingReport {
  /** Keys of old versions, and of checkpoints that nothing can fall back to. */
  readonly documents: readonly string[]
  /** By space: what only those documents named, and what is past its age. */
  readonly blobs: Readonly<Record<Space, Amount>>
  /** Pictures that nothing names any more: from now on they may expire. */
  readonly released: number
  /** Files that a crash left. */
  readonly orphans: Amount
  /** Records of the log. */
  readonly records: Amount
  /** What is left of the log: its bytes, and whether they are too many to take more in. */
  readonly log: Pick<Retained, 'bytes' | 'isOver'>
  /** Versions and checkpoints that cannot be read: what they may name stays meanwhile. */
  readonly unreadable: readonly string[]
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** The steps of a pass: each says what it removes, or would. */
interface Steps {
  retain(limits: RetentionLimits): Promise<Retained>
  collect(options: CollectOptions): Promise<CollectionPlan>
  pictures(named: ReadonlySet<Digest>, options: CollectPicturesOptions): Promise<CollectedPictures>
  sweep(options: SweepOptions): Promise<Swept>
}

/** What {@link keepHouse} would remove now. Nothing is changed. */
export function planHousekeeping(house: House, now: () => number): Promise<HousekeepingReport> {
  const { config, database, registry } = house
  return pass(house, now, {
    retain: (limits) => houseLog(house).plan(limits),
    collect: (options) => planCollection(registry, options),
    pictures: (named, options) => planPictures(registry.blobs, named, options),
    sweep: (options) =>
      sweepBlobs(config.data, database, registry.blobs, { ...options, plan: true }),
  })
}

/**
 * Removes what was erased, and what is past its time and nothing needs: records of the log, old
 * versions and checkpoints, pictures, bytes set aside, and files that crashes left.
 *
 * Every step may be the last one; the next pass goes on.
 *
 * @param lease - The lease `gc`: without it nothing is removed.
 * @param now - The time of day, ms since 1970.
 * @throws {@link LeaseLostError} as soon as the lease is not held.
 */
export async function keepHouse(
  house: House,
  lease: Pick<Lease, 'assertHeld'>,
  now: () => number,
): Promise<HousekeepingReport> {
  const { config, database, registry } = house
  const assertMay = () => lease.assertHeld()
  await collectErased(house, lease, await openErasures(registry.documents)(), now)
  return pass(house, now, {
    retain: (limits) => houseLog(house).retain(limits, assertMay),
    collect: (options) => collect(registry, lease, options),
    pictures: (named, options) => collectPictures(registry.blobs, named, lease, options),
    sweep: (options) =>
      sweepBlobs(config.data, database, registry.blobs, { ...options, assertMay }),
  })
}

/** Drops what the log need not keep: one step of {@link keepHouse}. */
export async function trimLog(
  house: House,
  lease: Pick<Lease, 'assertHeld'>,
  now: () => number,
): Promise<Retained> {
  const { checkpoints } = await collectionRoots(house.registry)
  const limits = await limitsOfLog(house, checkpoints, now())
  return houseLog(house).retain(limits, () => lease.assertHeld())
}

async function pass(house: House, now: () => number, steps: Steps): Promise<HousekeepingReport> {
  const { config, registry } = house
  const { checkpoints } = await collectionRoots(registry)
  const limits = await limitsOfLog(house, checkpoints, now())
  // Before anything goes that these are read from.
  const named = await namedPictures(registry.blobs, checkpoints)
  const expireMs = pictureAge(house, limits)

  const log = await steps.retain(limits)
  const old = await steps.collect({ keep: config.release.keep })
  const isKnown = named.unreadable.length === 0
  const pictures = isKnown ? await steps.pictures(named.ids, { expireMs }) : undefined
  const swept = await steps.sweep({ expireMs: { quarantine: quarantineMs }, now })

  const only = (space: Space) => amountOf(old.blobs.filter((blob) => blob.space === space))
  return {
    documents: old.documents.map(({ key }) => key),
    blobs: {
      pictures: pictures?.expired ?? nothing,
      state: only('state'),
      models: only('models'),
      index: only('index'),
      quarantine: swept.expired.quarantine ?? nothing,
    },
    released: pictures?.released ?? 0,
    orphans: swept.orphans,
    records: { count: log.removed, bytes: log.freed },
    log: { bytes: log.bytes, isOver: log.isOver },
    unreadable: [...old.unreadable, ...named.unreadable],
  }
}

const nothing: Amount = { count: 0, bytes: 0 }

const amountOf = (items: readonly { readonly bytes: number }[]): Amount => ({
  count: items.length,
  bytes: items.reduce((sum, { bytes }) => sum + bytes, 0),
})

async function limitsOfLog(
  { config, stream }: House,
  checkpoints: readonly CheckpointHead[],
  now: number,
): Promise<RetentionLimits> {
  const { hours, bytes } = config.log.retention
  const marks = await stream.watermarks(topicNames.unlabeled)
  const applied = appliedOffsets(checkpoints, {
    log: await stream.identity(),
    lineage: config.lineage,
    silentSince: now - hours * hourMs,
    partitions: marks.map(({ partition }) => partition),
  })
  const topicHours = { [topicNames.dead]: Math.max(hours, quarantineMs / hourMs) }
  return { retention: { hours, bytes, topicHours }, applied, now }
}

/** Age at which a picture goes that nothing names: a day more than any record that waits for it. */
function pictureAge(house: House, limits: RetentionLimits): number {
  const { retention } = house.config.pictures
  if (retention === 'auto') return Number.POSITIVE_INFINITY
  return Math.max(retention, houseLog(house).waitingMs(limits) + dayMs)
}
