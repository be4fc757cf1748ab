import { imagesNeeded } from '../metric/bootstrap.ts'
import { type Comparison, decisiveComparisons, mean, type Resample } from './gate-comparisons.ts'
import type { GateInput } from './gate-input.ts'

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

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`

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
  const { decisive, size } = decisiveComparisons(input, resample, options.tolerance)
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
