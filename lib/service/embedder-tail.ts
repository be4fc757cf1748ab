import type { PictureRow, SealedRows } from '../search/seal.ts'
import type { InRecord, Partition, StreamPort } from '../stream/types.ts'
import type { VersionEmbedder } from './embedder-parts.ts'
import { joinedBytes, rowOf, storedPixelsOf } from './embedder-pixels.ts'
import { partitionNumber, sendAll, vectorRecords } from './embedder-send.ts'
import { type RecordReader, readRecords } from './record-pictures.ts'

/** A generation that new pictures go into, as far as the tail knows it. */
export interface TailTarget {
  readonly id: string
  readonly model: VersionEmbedder
  /** Pictures in its blocks, and in rows that wait for one. */
  readonly known: { has(id: string): boolean; add(id: string): void; delete(id: string): void }
  /** First record of the partition that it does not have. */
  next(partition: string): number
}

/** Vectors that are in no block yet, of one partition. */
export interface Lane {
  readonly partition: Partition
  /** First record that was not looked at. */
  position: number
  /** End of the log, as last seen. */
  high: number
  /** Place behind the last vector that was sent; absent: none since the start. */
  sent: number | undefined
  /** When it was last sealed, on the monotonic clock, ms. */
  sealedAt: number
  /** By generation. */
  readonly rows: Map<string, PictureRow[]>
}

/** What became of some records. */
export interface TailCounts {
  embedded: number
  duplicates: number
  erased: number
  quarantined: number
}

/** What a lane has for a generation, ready to be sealed; absent: nothing. */
export function sealable(
  { partition, position, sent, rows }: Lane,
  id: string,
  present: { readonly next: number; readonly follow: number },
): SealedRows | undefined {
  if (position <= present.next) return undefined
  const follow = sent ?? present.follow
  return { partition, from: present.next, to: position, follow, rows: rows.get(id) ?? [] }
}

/** What applying records needs. */
export interface TailParts {
  readonly stream: StreamPort
  readonly reader: Omit<RecordReader, 'role' | 'wasSeen' | 'decoders'>
}

/** A picture on its way, and where it came from. */
interface Arrival {
  readonly id: string
  readonly at: number
  readonly offset: number
  readonly pixels: Uint8Array
}

/**
 * Embeds the pictures of some records by every model that wants them, sends the vectors, and only
 * then remembers them in the lane. Repeating it after an error is harmless.
 */
export async function applyRecords(
  parts: TailParts,
  mine: Lane,
  targets: readonly TailTarget[],
  records: readonly InRecord[],
): Promise<TailCounts> {
  const wants = (target: TailTarget, id: string, offset: number) =>
    offset >= target.next(mine.partition) && !target.known.has(id)
  const [first] = targets
  const counts: TailCounts = { embedded: 0, duplicates: 0, erased: 0, quarantined: 0 }
  const rows = new Map<TailTarget, PictureRow[]>()
  if (first !== undefined) {
    const newest = records.at(-1)?.offset ?? 0
    const arrivals = await arrivalsOf(parts, mine, first, records, counts, (id) => {
      return !targets.some((target) => wants(target, id, newest))
    })
    for (const target of targets) {
      const wanted = arrivals.filter(({ id, offset }) => wants(target, id, offset))
      rows.set(target, await embedded(parts, target, first, once(wanted)))
    }
  }
  await sendVectors(parts.stream, mine, rows)
  for (const [target, made] of rows) {
    const waiting = mine.rows.get(target.id) ?? []
    waiting.push(...made)
    mine.rows.set(target.id, waiting)
    for (const { id } of made) target.known.add(id)
    counts.embedded += made.length
  }
  const last = records.at(-1)
  if (last !== undefined) mine.position = last.offset + 1
  return counts
}

/** Records as decoded pictures; bad ones are set aside, known ones only counted. */
async function arrivalsOf(
  { reader }: TailParts,
  { partition }: Lane,
  { model }: TailTarget,
  records: readonly InRecord[],
  counts: TailCounts,
  wasSeen: (id: string) => boolean,
): Promise<Arrival[]> {
  const { decoders } = model
  const outcomes = await readRecords(
    { ...reader, role: 'embed', decoders, wasSeen },
    partition,
    records,
  )
  return outcomes.flatMap((one, i) => {
    if (one.outcome === 'duplicate') counts.duplicates += 1
    if (one.outcome === 'erased') counts.erased += 1
    if (one.outcome === 'quarantined') counts.quarantined += 1
    if (one.outcome !== 'picture') return []
    const { offset, timestamp: at } = records[i] as InRecord
    return [{ id: one.picture.id, at, offset, pixels: one.picture.image.pixels }]
  })
}

/** Each picture once, however often it came. */
function once(arrivals: readonly Arrival[]): readonly Arrival[] {
  return [...new Map(arrivals.toReversed().map((one) => [one.id, one])).values()].reverse()
}

/** Vectors of pictures that were decoded for `first`; another preprocessing decodes them again. */
async function embedded(
  { reader }: TailParts,
  { model }: TailTarget,
  first: TailTarget,
  arrivals: readonly Arrival[],
): Promise<PictureRow[]> {
  if (arrivals.length === 0) return []
  const isAlike = model.preprocessingHash === first.model.preprocessingHash
  const pixels = isAlike
    ? arrivals.map((one) => one.pixels)
    : await decodedAgain(reader, model, arrivals)
  const found = arrivals.filter((_, i) => pixels[i] !== undefined)
  if (found.length === 0) return []
  const vectors = await model.embed(joinedBytes(pixels.filter((one) => one !== undefined)))
  return found.map(({ id, at }, row) => ({ id, at, vector: rowOf(vectors, row) }))
}

function decodedAgain(
  { blobs, maxBytes }: TailParts['reader'],
  model: VersionEmbedder,
  arrivals: readonly Arrival[],
): Promise<(Uint8Array | undefined)[]> {
  return Promise.all(arrivals.map(({ id }) => storedPixelsOf(blobs, model, id, maxBytes)))
}

/** Sends vectors to where the records came from, in the topic of vectors. */
async function sendVectors(
  stream: StreamPort,
  mine: Lane,
  rows: ReadonlyMap<TailTarget, readonly PictureRow[]>,
): Promise<void> {
  const partition = partitionNumber(mine.partition)
  const records = [...rows].flatMap(([{ model }, made]) => vectorRecords(model, made, partition))
  const place = await sendAll(stream, records)
  if (place !== undefined) mine.sent = Math.max(mine.sent ?? 0, place)
}
