import { type BootstrapInterval, imagesNeeded } from '../metric/bootstrap.ts'

/** Label-free signals of one model on one probe, per picture. */
export interface ProbeSignals {
  /** Reciprocal rank of the source of hard augmented views, mean over views, shape [n], (0, 1]. */
  readonly mrr: Float32Array
  /** Jaccard overlap of the neighbours of a hard view and of the plain one, shape [n], [0, 1]. */
  readonly consistency: Float32Array
}

/** Label-free signals of one model. */
export interface ModelSignals {
  readonly a: ProbeSignals
  readonly b: ProbeSignals
  readonly dim: number
  /** RankMe of probe A, in [0, min(d, n)]. */
  readonly effectiveRank: number
  /** 1 − mean cosine before centring, in [0, 2]. */
  readonly spread: number
  /** Watched, never decisive. */
  readonly watched: Readonly<Record<string, number>>
}

/** Figures of a labelled probe, per query. */
export interface LabelledSignals {
  readonly mapAtR: Float32Array
  readonly recallAt1: Float32Array
}

/** What the gate compares. */
export interface GateInput {
  readonly candidate: ModelSignals
  readonly champion: ModelSignals
  readonly baseline: ModelSignals
  /**
   * Mean top-10 neighbour overlap of candidate and champion on probe A, [0, 1]; undefined while the
   * champion is the frozen backbone, which nobody has built upon yet.
   */
  readonly overlap: number | undefined
  /** Why the artifact does not load and serve; undefined when it does. */
  readonly artifactFault: string | undefined
  readonly labelled?: {
    readonly candidate: LabelledSignals
    readonly champion: LabelledSignals
    readonly baseline: LabelledSignals
  }
}

/** Bounds of the gate. */
export interface GateOptions {
  /** Lower bound that a primary must exceed where it may not fall, on a large probe. Default −.005. */
  readonly tolerance?: number
  /** Smallest effective rank as a share of min(d, n). Default .15. */
  readonly minRankShare?: number
  /** Smallest 1 − mean cosine. Default .02. */
  readonly minSpread?: number
  /** Smallest neighbour overlap with the champion. Default .2. */
  readonly minOverlap?: number
  /** Largest loss of Recall@1 on a labelled probe. Default .03. */
  readonly maxRecallLoss?: number
}

/** Pictures that a probe needs; the `small` profile does with fewer, and says how sure it is. */
export const defaultMinProbe = 100
export const smallMinProbe = 20

/** Defaults: `method.md` §8. */
export const defaultGateOptions: Required<GateOptions> = {
  tolerance: -0.005,
  minRankShare: 0.15,
  minSpread: 0.02,
  minOverlap: 0.2,
  maxRecallLoss: 0.03,
}

/** Interval of candidate − champion, with the two means. */
export interface Comparison extends BootstrapInterval {
  readonly candidate: number
  readonly champion: number
  readonly baseline: number
}

/** The gate's answer. */
export interface Verdict {
  readonly verdict: 'promote' | 'hold' | 'reject'
  /** One sentence for people. */
  readonly reason: string
  readonly comparisons: Readonly<Record<string, Comparison>>
  readonly figures: Readonly<Record<string, number>>
  /** About how many more probe pictures would show a gain of .01, when one was missed. */
  readonly needsPictures: number | undefined
}

/** Paired bootstrap of per-picture differences, handed in with its seed and groups. */
export type Resample = (difference: Float32Array, probe: 'a' | 'b' | 'labels') => BootstrapInterval

const mean = (values: Float32Array): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

const minus = (a: Float32Array, b: Float32Array): Float32Array =>
  a.map((value, i) => value - (b[i] as number))

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`

function compare(
  candidate: Float32Array,
  champion: Float32Array,
  baseline: Float32Array,
  interval: BootstrapInterval,
): Comparison {
  return {
    ...interval,
    candidate: mean(candidate),
    champion: mean(champion),
    baseline: mean(baseline),
  }
}

/** The first veto, as a sentence; undefined when there is none. */
function veto(input: GateInput, options: Required<GateOptions>): string | undefined {
  const { candidate } = input
  const n = candidate.a.mrr.length
  const least = options.minRankShare * Math.min(candidate.dim, n)
  if (input.artifactFault !== undefined)
    return `the artifact does not serve: ${input.artifactFault}`
  if (!(candidate.spread >= options.minSpread)) {
    return `collapse: spread ${candidate.spread.toFixed(3)} is under ${options.minSpread}`
  }
  if (!(candidate.effectiveRank >= least)) {
    return `collapse: effective rank ${candidate.effectiveRank.toFixed(1)} is under ${least.toFixed(1)}`
  }
  if (input.overlap !== undefined && !(input.overlap >= options.minOverlap)) {
    return `neighbour overlap with the champion ${input.overlap.toFixed(2)} is under ${options.minOverlap}`
  }
  return undefined
}

/** The comparisons that decide, with the bound that each must exceed. */
function primaries(input: GateInput, resample: Resample, options: Required<GateOptions>) {
  const { candidate, champion, baseline, labelled } = input
  if (labelled !== undefined) {
    const of = (name: keyof LabelledSignals) =>
      compare(
        labelled.candidate[name],
        labelled.champion[name],
        labelled.baseline[name],
        resample(minus(labelled.candidate[name], labelled.champion[name]), 'labels'),
      )
    return [
      { name: 'MAP@R on labels', above: 0, comparison: of('mapAtR') },
      // Shown beside it; a large loss is a veto of its own.
      { name: 'Recall@1 on labels', above: Number.NEGATIVE_INFINITY, comparison: of('recallAt1') },
    ]
  }
  const of = (probe: 'a' | 'b', signal: keyof ProbeSignals) =>
    compare(
      candidate[probe][signal],
      champion[probe][signal],
      baseline[probe][signal],
      resample(minus(candidate[probe][signal], champion[probe][signal]), probe),
    )
  // No finer than the probe can resolve: .02 at 100 pictures, .009 at 500, the option from 1,600.
  const tolerance = Math.min(options.tolerance, -0.2 / Math.sqrt(candidate.a.mrr.length))
  return [
    { name: 'MRR on new pictures', above: 0, comparison: of('b', 'mrr') },
    { name: 'MRR on old pictures', above: tolerance, comparison: of('a', 'mrr') },
    { name: 'consistency on old pictures', above: tolerance, comparison: of('a', 'consistency') },
    { name: 'consistency on new pictures', above: tolerance, comparison: of('b', 'consistency') },
  ]
}

/**
 * Judges a candidate against the champion, without labels unless a labelled probe is given.
 *
 * A veto rejects; a missed bound holds; else it promotes.
 *
 * @param minProbe - Pictures that a probe needs before anything is promoted.
 */
export function judge(
  input: GateInput,
  resample: Resample,
  minProbe: number = defaultMinProbe,
  options: Required<GateOptions> = defaultGateOptions,
): Verdict {
  const { candidate, champion, labelled } = input
  const decisive = primaries(input, resample, options)
  const comparisons = Object.fromEntries(decisive.map((one) => [one.name, one.comparison]))
  const championWatched = Object.fromEntries(
    Object.entries(champion.watched).map(([name, value]) => [`champion ${name}`, value]),
  )
  const figures = {
    effectiveRank: candidate.effectiveRank,
    championEffectiveRank: champion.effectiveRank,
    spread: candidate.spread,
    ...(input.overlap !== undefined && { overlap: input.overlap }),
    ...candidate.watched,
    ...championWatched,
  }
  const answer = (
    verdict: Verdict['verdict'],
    reason: string,
    needsPictures?: number,
  ): Verdict => ({
    verdict,
    reason,
    comparisons,
    figures,
    needsPictures,
  })
  const fault = veto(input, options)
  if (fault !== undefined) return answer('reject', fault)
  const size =
    labelled?.candidate.mapAtR.length ?? Math.min(candidate.a.mrr.length, candidate.b.mrr.length)
  if (size < minProbe) {
    const missing = minProbe - size
    return answer('hold', `the probe has ${size} pictures, ${missing} too few`, missing)
  }
  if (labelled !== undefined) {
    const loss = mean(labelled.champion.recallAt1) - mean(labelled.candidate.recallAt1)
    if (loss > options.maxRecallLoss) {
      return answer('reject', `Recall@1 on labels fell by ${loss.toFixed(3)}`)
    }
  }
  const missed = decisive.find((one) => !(one.comparison.low > one.above))
  if (missed !== undefined) {
    const { comparison: c, name, above } = missed
    const needed = Math.max(0, imagesNeeded(c.sd) - size)
    const text = `${name} ${signed(c.mean)} (${signed(c.low)} to ${signed(c.high)}), lower bound must exceed ${signed(above)}; needs about ${needed} more probe pictures to show a gain of .01`
    return answer('hold', text, needed)
  }
  const told = labelled === undefined ? decisive.slice(0, 1) : decisive
  const text = told
    .map(
      ({ name, comparison: c }) =>
        `${name} ${signed(c.mean)} (${signed(c.low)} to ${signed(c.high)})`,
    )
    .join(', ')
  const below = decisive.filter((one) => one.comparison.candidate < one.comparison.baseline)
  const warning = below.length > 0 ? `below the frozen baseline in ${below[0]?.name}; ` : ''
  return answer('promote', warning + text)
}
