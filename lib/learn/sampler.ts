import type { Random } from '../engine/random.ts'

/** Settings of a training batch. */
export interface SamplerOptions {
  /** Clusters a batch, ≥ 2. Default 15. */
  readonly clusters?: number
  /** Rows a cluster, even and ≥ 2. Default 8. */
  readonly slots?: number
  /** Views of one picture; 1 means distinct pictures only. Default 2. */
  readonly views?: number
  /** Share of pictures that are new since the last round, where there are such, 0–1. Default .5. */
  readonly newShare?: number
}

/** Defaults: `method.md` §6. */
export const defaultSamplerOptions: Required<SamplerOptions> = {
  clusters: 15,
  slots: 8,
  views: 2,
  newShare: 0.5,
}

/** A batch: which picture each row shows, which view of it, and its pseudo-label. */
export interface SampledBatch {
  /** Index of the picture, shape [batch]. */
  readonly pictures: Int32Array
  /** Number of the view within the batch, rising for each picture, shape [batch]. */
  readonly views: Int32Array
  /** Pseudo-label, shape [batch]. */
  readonly labels: Int32Array
}

/** Members of one cluster, old and new apart. */
interface Members {
  readonly label: number
  readonly fresh: readonly number[]
  readonly old: readonly number[]
}

function membersByLabel(
  labels: Int32Array,
  isTrained: (picture: number) => boolean,
  isFresh: (picture: number) => boolean,
): Members[] {
  const clusters = new Map<number, { label: number; fresh: number[]; old: number[] }>()
  for (const [picture, label] of labels.entries()) {
    if (label < 0 || !isTrained(picture)) continue
    const cluster = clusters.get(label) ?? { label, fresh: [], old: [] }
    clusters.set(label, cluster)
    cluster[isFresh(picture) ? 'fresh' : 'old'].push(picture)
  }
  return [...clusters.values()].sort((a, b) => a.label - b.label)
}

/** The first picture of each burst, then the others: what is drawn from the front is spread. */
function spread(pictures: readonly number[], burstOf: (picture: number) => number): number[] {
  const met = new Set<number>()
  const [firsts, others]: [number[], number[]] = [[], []]
  for (const picture of pictures) {
    const burst = burstOf(picture)
    ;(met.has(burst) ? others : firsts).push(picture)
    met.add(burst)
  }
  return [...firsts, ...others]
}

/** Distinct pictures of a cluster, of different bursts if it has as many; fewer where it is small. */
function draw(
  cluster: Members,
  count: number,
  newShare: number,
  random: Random,
  burstOf: (picture: number) => number,
): number[] {
  const fresh = spread(random.shuffled(cluster.fresh), burstOf)
  const old = spread(random.shuffled(cluster.old), burstOf)
  const wanted = Math.min(fresh.length, Math.max(Math.round(count * newShare), count - old.length))
  return [...fresh.slice(0, wanted), ...old.slice(0, count - wanted)]
}

/**
 * An endless run of batches over the clusters: uniform, none again before all were seen.
 *
 * A cluster with fewer pictures than a batch wants gives more views of each, not copies. A cluster
 * whose only pair would be a picture with itself is left out when `views` is 1.
 *
 * Pictures of one burst, which are nearly the same, are spread over batches.
 *
 * @param labels - Pseudo-label of each picture; negative: none. Shape [n].
 * @param burstOf - Number of the near-duplicates that a picture belongs to. Default: each is alone.
 */
export function* sampleBatches(
  labels: Int32Array,
  isTrained: (picture: number) => boolean,
  isFresh: (picture: number) => boolean,
  random: Random,
  options: Required<SamplerOptions>,
  burstOf: (picture: number) => number = (picture) => picture,
): Generator<SampledBatch, void, undefined> {
  const { slots, views, newShare } = options
  const clusters = membersByLabel(labels, isTrained, isFresh).filter(
    (cluster) => views > 1 || cluster.fresh.length + cluster.old.length > 1,
  )
  const width = Math.min(options.clusters, clusters.length)
  if (width < 2) return
  let queue: Members[] = []
  while (true) {
    const rows: { picture: number; view: number; label: number }[] = []
    const chosen = new Set<Members>()
    while (chosen.size < width) {
      if (queue.length === 0) queue = random.shuffled(clusters)
      const next = queue.find((cluster) => !chosen.has(cluster))
      // What is left of this pass is in the batch already: begin the next pass.
      if (next === undefined) queue = random.shuffled(clusters)
      else {
        queue = queue.filter((cluster) => cluster !== next)
        chosen.add(next)
      }
    }
    for (const cluster of chosen) {
      const wanted = Math.max(1, Math.floor(slots / views))
      const pictures = draw(cluster, wanted, newShare, random, burstOf)
      const rowsEach = views > 1 ? slots : Math.min(slots, pictures.length)
      for (let row = 0; row < rowsEach; row += 1) {
        const picture = pictures[row % pictures.length] as number
        rows.push({ picture, view: Math.floor(row / pictures.length), label: cluster.label })
      }
    }
    yield {
      pictures: Int32Array.from(rows, (row) => row.picture),
      views: Int32Array.from(rows, (row) => row.view),
      labels: Int32Array.from(rows, (row) => row.label),
    }
  }
}
