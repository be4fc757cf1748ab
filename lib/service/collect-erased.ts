import { imageId } from '../image/fingerprint.ts'
import type { Clock } from '../registry/clock.ts'
import type { Lease } from '../registry/lease-document.ts'
import { pictureType, writeEnvelope } from '../stream/envelope.ts'
import { rewriteRecords } from '../stream/sqlite-rewrite.ts'
import { topicNames } from '../stream/topics.ts'
import { dropNamingCheckpoints } from './erased-checkpoints.ts'
import { type Erasure, noteErased, openErasures } from './erasures.ts'
import { asOnlyCollector } from './housekeeping-lease.ts'
import type { Pipeline } from './open-pipeline.ts'

/** What collecting erased pictures works on. */
export type ErasedHouse = Pick<Pipeline, 'config' | 'database' | 'stream' | 'registry'>

/** Who has still to forget a picture before its bytes may go for good. */
export function waitsFor(
  { search }: ErasedHouse['config'],
  { done }: Erasure,
  partitions: readonly string[],
): readonly ('learn' | 'embed')[] {
  const isIndexed = search.enabled && partitions.some((one) => done.embed?.[one] === undefined)
  return [
    ...(done.learn === undefined ? (['learn'] as const) : []),
    ...(isIndexed ? (['embed'] as const) : []),
  ]
}

/** Partitions of pictures. */
export async function picturePartitions({
  stream,
}: Pick<ErasedHouse, 'stream'>): Promise<readonly string[]> {
  return (await stream.watermarks(topicNames.unlabeled)).map(({ partition }) => partition)
}

/**
 * Removes what is left of erased pictures once learner and index have let go of them, however
 * young it is: older checkpoints that name them, their bytes, kept copies and quarantined bytes
 * among them, and on SQLite what records of the log hold of them. Then notes that it has.
 *
 * Every step may be the last one; the next pass goes on.
 *
 * @param lease - The lease `gc`: without it nothing is removed.
 * @param erasures - Those that are not collected yet.
 * @returns Ids of the pictures that are gone now.
 * @throws {@link LeaseLostError} as soon as the lease is not held.
 */
export async function collectErased(
  house: ErasedHouse,
  lease: Pick<Lease, 'assertHeld'>,
  erasures: ReadonlyMap<string, Erasure>,
  now: () => number,
): Promise<readonly string[]> {
  const { config, registry } = house
  const partitions = await picturePartitions(house)
  const isDue = (one: Erasure) =>
    one.done.collection === undefined && waitsFor(config, one, partitions).length === 0
  const due = [...erasures].filter(([, one]) => isDue(one))
  const ids = new Set(due.map(([id]) => id))
  if (ids.size === 0) return []
  await dropNamingCheckpoints(registry, lease, ids)
  await rewriteLog(house, lease, ids)
  for (const id of ids) {
    lease.assertHeld()
    await registry.blobs.unkeep(id)
    await registry.blobs.delete('pictures', id, { olderThanMs: 0 })
    await registry.blobs.delete('quarantine', id, { olderThanMs: 0 })
  }
  await noteErased(registry.documents, ids, { collection: now() })
  return [...ids]
}

/** First byte of an envelope, which holds no picture. */
const brace = 0x7b

/** On SQLite: leaves envelopes in the place of raw pictures, and nothing in that of vectors. */
async function rewriteLog(
  { config, database }: ErasedHouse,
  { assertHeld: assertMay }: Pick<Lease, 'assertHeld'>,
  ids: ReadonlySet<string>,
): Promise<void> {
  if (config.stream.adapter !== 'sqlite') return
  await rewriteRecords(database, topicNames.unlabeled, {
    exceptFirstByte: brace,
    assertMay,
    change: ({ value }) => {
      const mediaType = pictureType(value)
      if (mediaType === undefined) return undefined
      const sha256 = imageId(value)
      if (!ids.has(sha256)) return undefined
      return writeEnvelope({ v: 1, sha256, bytes: value.length, mediaType, source: 'erased' })
    },
  })
  await rewriteRecords(database, topicNames.embedded, {
    keys: ids,
    assertMay,
    change: ({ value }) => (value.length === 0 ? undefined : new Uint8Array(0)),
  })
}

/** Between two looks: other processes erase, too. */
const lookEveryMs = 30_000

/**
 * Collects erased pictures soon after they may go, where the daily pass would be late.
 *
 * @returns A look, to be called often: it reads the wishes every 30 s.
 */
export function erasedCollector(
  house: ErasedHouse,
  { now, clock }: { readonly now: () => number; readonly clock: Clock },
): (signal: AbortSignal) => Promise<void> {
  const { config, registry } = house
  const open = openErasures(registry.documents)
  let lookedAt = Number.NEGATIVE_INFINITY
  return async (signal) => {
    if (clock.now() - lookedAt < lookEveryMs) return
    const erasures = await open()
    lookedAt = clock.now()
    if (erasures.size === 0) return
    const partitions = await picturePartitions(house)
    const isDue = [...erasures.values()].some((one) => {
      return waitsFor(config, one, partitions).length === 0
    })
    if (!isDue) return
    await asOnlyCollector(
      registry.documents,
      (lease) => collectErased(house, lease, erasures, now),
      signal,
    )
  }
}
