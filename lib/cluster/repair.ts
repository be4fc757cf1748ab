import { type Random, randomStream } from '../engine/random.ts'
import { type Tensor2D, tf } from '../engine/tf.ts'
import { assign } from './assign.ts'
import type { Fit, RepairCounts } from './clustering.ts'
import { halve } from './halve.ts'
import { memberMeans } from './member-means.ts'
import { defaultRepairOptions, type RepairOptions } from './options.ts'

/** Clusters that are large enough, as far as the set allows, in their old order. */
export interface Repaired {
  /** Cluster of each embedding, shape [n], range [0, k alive). */
  readonly labels: Int32Array
  /** Unit means of the members, shape [dim, k alive]. The caller disposes it. */
  readonly centroids: Tensor2D
  readonly counts: RepairCounts
}

/** Images that a cluster needs: a quarter of the mean size n/k, in [4, 20]. */
export function defaultMinSize(n: number, k: number): number {
  return Math.min(Math.max(Math.round((0.25 * n) / k), 4), 20)
}

/** Rows by slot while repair goes on; a slot without rows is dead. */
interface Work {
  readonly embeddings: Tensor2D
  readonly members: number[][]
  /** Of the last {@link refresh}, shape [dim, slots]. */
  centroids: Tensor2D
  readonly random: Random
  readonly isLargeEnough: (rows: readonly number[]) => boolean
  /** Slots that could not be cut; they are not tried again. */
  readonly whole: Set<number>
}

const gatherRows = (embeddings: Tensor2D, rows: readonly number[]): Tensor2D =>
  tf.gather(embeddings, tf.tensor1d([...rows], 'int32'))

const sizeOf = ({ members }: Work, slot: number): number => members[slot]?.length ?? 0

const slotsOf = ({ members }: Work, isWanted: (slot: number) => boolean): number[] =>
  [...members.keys()].filter(isWanted)

function labelsOf({ members, embeddings }: Work): Int32Array {
  const labels = new Int32Array(embeddings.shape[0])
  members.forEach((rows, slot) => {
    for (const row of rows) labels[row] = slot
  })
  return labels
}

/** Brings the centroids up to date; those of unchanged clusters stay as they are. */
function refresh(work: Work): void {
  const labels = tf.tensor1d(labelsOf(work), 'int32')
  const { centroids, lengths } = memberMeans(work.embeddings, labels, work.centroids)
  tf.dispose([labels, lengths, work.centroids])
  work.centroids = centroids
}

/** Gives the rows of some slots to the nearest of the other living ones. */
async function dissolve(work: Work, doomed: readonly number[]): Promise<void> {
  const rows = doomed.flatMap((slot) => work.members[slot] ?? [])
  const heirs = slotsOf(work, (slot) => sizeOf(work, slot) > 0 && !doomed.includes(slot))
  const nearest = tf.tidy(() => {
    const columns = tf.gather(work.centroids, tf.tensor1d(heirs, 'int32'), 1) // [dim, heirs]
    return assign(gatherRows(work.embeddings, rows), columns) // [rows]
  })
  const labels = await nearest.data()
  nearest.dispose()
  for (const slot of doomed) work.members[slot] = []
  rows.forEach((row, i) => {
    work.members[heirs[labels[i] as number] as number]?.push(row)
  })
}

/** The two halves of a slot if both are large enough. */
async function halves(work: Work, slot: number): Promise<[number[], number[]] | undefined> {
  const rows = work.members[slot] as number[]
  const members = tf.tidy(() => gatherRows(work.embeddings, rows)) // [size, dim]
  const sides = await halve(members, work.random)
  members.dispose()
  const left = rows.filter((_, i) => sides?.[i] === 0)
  const right = rows.filter((_, i) => sides?.[i] === 1)
  return work.isLargeEnough(left) && work.isLargeEnough(right) ? [left, right] : undefined
}

interface Cut {
  readonly slot: number
  readonly halves: readonly [number[], number[]]
}

/** The largest slot above `size` that can be cut, in two; the work is not changed yet. */
async function cutLargest(work: Work, size: number): Promise<Cut | undefined> {
  for (;;) {
    const open = slotsOf(work, (slot) => sizeOf(work, slot) > size && !work.whole.has(slot))
    if (open.length === 0) return undefined
    const slot = open.reduce((a, b) => (sizeOf(work, b) > sizeOf(work, a) ? b : a))
    const pair = await halves(work, slot)
    if (pair) return { slot, halves: pair }
    work.whole.add(slot)
  }
}

/** (a) Clusters that are too small go to their neighbours; the largest one stays in any case. */
async function dissolveSmall(work: Work): Promise<number> {
  const alive = slotsOf(work, (slot) => sizeOf(work, slot) > 0)
  const small = alive.filter((slot) => !work.isLargeEnough(work.members[slot] as number[]))
  if (small.length === alive.length) {
    const largest = small.reduce((a, b) => (sizeOf(work, b) > sizeOf(work, a) ? b : a))
    small.splice(small.indexOf(largest), 1)
  }
  if (small.length === 0) return 0
  await dissolve(work, small)
  refresh(work)
  return small.length
}

/** (b) Each free slot takes half of the largest cluster that has two halves to give. */
async function fillFree(work: Work, limit: number): Promise<number> {
  const free = slotsOf(work, (slot) => sizeOf(work, slot) === 0).slice(0, limit)
  let split = 0
  for (const slot of free) {
    const cut = await cutLargest(work, 0)
    if (cut === undefined) break
    work.members[cut.slot] = cut.halves[0]
    work.members[slot] = cut.halves[1]
    split += 1
  }
  if (split > 0) refresh(work)
  return split
}

/** (c) Clusters above `size` are cut, into a dead slot or that of the smallest cluster. */
async function splitLarge(work: Work, size: number, limit: number): Promise<RepairCounts> {
  let split = 0
  let dissolved = 0
  while (split < limit) {
    const cut = await cutLargest(work, size)
    if (cut === undefined) break
    const others = slotsOf(work, (slot) => slot !== cut.slot)
    const target = others.reduce((a, b) => (sizeOf(work, b) < sizeOf(work, a) ? b : a))
    work.members[cut.slot] = cut.halves[0]
    if (sizeOf(work, target) > 0) {
      await dissolve(work, [target])
      dissolved += 1
    }
    work.members[target] = cut.halves[1]
    refresh(work)
    split += 1
  }
  return { dissolved, split }
}

/** Drops dead slots and renumbers the others in order. */
function compact(work: Work): Omit<Repaired, 'counts'> {
  const alive = slotsOf(work, (slot) => sizeOf(work, slot) > 0)
  const centroids = tf.tidy(() => tf.gather(work.centroids, tf.tensor1d(alive, 'int32'), 1))
  const members = alive.map((slot) => work.members[slot] as number[])
  return { labels: labelsOf({ ...work, members }), centroids } // [n], [dim, alive]
}

/**
 * Mends a partition once: (a) dissolves clusters that are too small, (b) fills each free slot with
 * half of the largest cluster, (c) splits clusters that are far too large, (d) brings the
 * centroids up to date. At most k clusters are split; a slot that cannot be filled stays dead.
 *
 * A cluster whose members coincide is not split, and one whose halves would be too small passes
 * its turn to the next largest.
 *
 * @param embeddings - Shape [n, dim], float32, unit-norm rows.
 * @param partition - Clusters as `kMeans` leaves them; not changed, its tensor not disposed.
 * @param options - See {@link RepairOptions}.
 * @returns See {@link Repaired}: every cluster alive has `minSize` images of 2 instances, unless
 *   the whole set has not.
 * @see Zhan, Xie, Liu, Ong, Loy (2020), Online deep clustering for unsupervised representation
 *   learning: small clusters dissolve, the largest fill their places.
 */
export async function repair(
  embeddings: Tensor2D,
  partition: Pick<Fit, 'labels' | 'centroids'>,
  options: RepairOptions = {},
): Promise<Repaired> {
  const n = embeddings.shape[0]
  const [dim, columns] = partition.centroids.shape
  const { k = columns, instances, ...rest } = { ...defaultRepairOptions, ...options }
  const minSize = rest.minSize ?? defaultMinSize(n, k)
  const members = Array.from({ length: k }, (): number[] => [])
  partition.labels.forEach((label, row) => {
    members[label]?.push(row)
  })
  const work: Work = {
    embeddings,
    members,
    centroids: tf.tidy(() => tf.concat2d([partition.centroids, tf.zeros([dim, k - columns])], 1)),
    random: randomStream(rest.seed, 'repair'),
    isLargeEnough: (rows) =>
      rows.length >= minSize && new Set(rows.map((row) => instances?.[row] ?? row)).size >= 2,
    whole: new Set(),
  }
  try {
    const small = await dissolveSmall(work)
    const filled = await fillFree(work, k)
    const large = await splitLarge(work, (rest.maxShare * n) / k, k - filled)
    const counts = { dissolved: small + large.dissolved, split: filled + large.split }
    return { ...compact(work), counts }
  } finally {
    work.centroids.dispose()
  }
}
