import { type PairLossParams, referenceNegatives } from './options.ts'

/** A matrix of plain numbers: rows of equal length. */
export type Rows = readonly (readonly number[])[]

/** Which pairs are positive and negative: 0 or 1, each [batch, refs]. */
export interface PairSets {
  readonly positives: Rows
  readonly negatives: Rows
}

/** The loss in float64, with what the kernel keeps to itself. */
export interface OracleResult {
  readonly loss: number
  /** Per anchor, [batch]: T of the positives, T of the negatives, V before λ; 0 if skipped. */
  readonly pos: readonly number[]
  readonly neg: readonly number[]
  readonly variance: readonly number[]
  readonly valid: readonly boolean[]
  readonly minedPositives: number
  readonly minedNegatives: number
  /** G = ∂loss/∂s, [batch, refs]. */
  readonly slopes: Rows
}

const at = (row: readonly number[] | undefined, j: number): number => row?.[j] as number
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
const members = (mask: readonly number[] = []): number[] => mask.flatMap((on, j) => (on ? [j] : []))

/** Cosines of unit rows, clamped to [-1, 1], [batch, refs]. */
export function oracleCosines(anchors: Rows, refs: Rows): number[][] {
  const dot = (a: readonly number[], b: readonly number[]) => sum(a.map((x, i) => x * at(b, i)))
  return anchors.map((a) => refs.map((b) => Math.max(-1, Math.min(1, dot(a, b)))))
}

/** Pairs that violate the margin, of the formula's P* and N*. */
export function oracleMining(similarities: Rows, pairs: PairSets, margin: number): PairSets {
  const kept = (i: number, mask: Rows, keep: (s: number) => boolean) =>
    (mask[i] ?? []).map((on, j) => (on && keep(at(similarities[i], j)) ? 1 : 0))
  const values = (i: number, mask: Rows) => members(mask[i]).map((j) => at(similarities[i], j))
  const anchors = similarities.map((_, i) => i)
  return {
    positives: anchors.map((i) =>
      kept(i, pairs.positives, (s) => s - margin < Math.max(...values(i, pairs.negatives))),
    ),
    negatives: anchors.map((i) =>
      kept(i, pairs.negatives, (s) => s + margin > Math.min(...values(i, pairs.positives))),
    ),
  }
}

/** κ ln(1 + Σ e^z) and the shares e^z / (1 + Σ e^z). */
function logOnePlusSum(z: readonly number[], kappa: number): { term: number; shares: number[] } {
  const top = Math.max(0, ...z)
  const total = Math.exp(-top) + sum(z.map((x) => Math.exp(x - top)))
  return {
    term: kappa * (top + Math.log(total)),
    shares: z.map((x) => Math.exp(x - top) / total),
  }
}

/** Values and slopes of one anchor, before the division by the batch. */
function anchorTerms(
  s: readonly number[],
  sets: { P: number[]; N: number[]; minedP: number[]; minedN: number[] },
  params: PairLossParams,
): { pos: number; neg: number; variance: number; slopes: number[] } {
  const { P, N, minedP, minedN } = sets
  const { aP, bP, kappaP = bP, aN, bN, kappaN = bN, lambda, gamma, reduction } = params
  const meanP = sum(P.map((j) => at(s, j))) / P.length
  const meanN = sum(N.map((j) => at(s, j))) / N.length
  const c = { sum: 1, mean: 1 / N.length, meanRef: referenceNegatives / N.length }[reduction]
  const xi = gamma * meanP + (1 - gamma) * meanN
  const variance = c * sum(N.map((j) => (at(s, j) - xi) ** 2))
  const p = logOnePlusSum(
    minedP.map((j) => -(at(s, j) - aP) / bP),
    kappaP,
  )
  const n = logOnePlusSum(
    minedN.map((j) => (at(s, j) - aN) / bN),
    kappaN,
  )
  const slopes = s.map(() => 0)
  const add = (j: number, slope: number) => {
    slopes[j] = at(slopes, j) + slope
  }
  minedP.forEach((j, r) => {
    add(j, (-kappaP / bP) * at(p.shares, r))
  })
  minedN.forEach((j, r) => {
    add(j, (kappaN / bN) * at(n.shares, r))
  })
  // Straight from V: each negative by its own deviation, ξ through both means.
  const pull = sum(N.map((j) => at(s, j) - xi))
  for (const j of N) add(j, 2 * lambda * c * (at(s, j) - xi - ((1 - gamma) * pull) / N.length))
  for (const j of P) add(j, -2 * lambda * c * gamma * (pull / P.length))
  return { pos: p.term, neg: n.term, variance, slopes }
}

/**
 * The pair loss from its formulas, in float64 and plain loops: what the kernel is checked against.
 *
 * @param similarities - Cosines, [batch, refs].
 * @param pairs - Positive and negative pairs, self-pairs in neither.
 * @param mined - Pairs that take part; held fixed for finite differences.
 */
export function oraclePairLoss(
  similarities: Rows,
  pairs: PairSets,
  params: PairLossParams,
  mined: PairSets = oracleMining(similarities, pairs, params.margin),
): OracleResult {
  const batch = similarities.length
  const anchors = similarities.map((s, i) => {
    const sets = {
      P: members(pairs.positives[i]),
      N: members(pairs.negatives[i]),
      minedP: members(mined.positives[i]),
      minedN: members(mined.negatives[i]),
    }
    const valid = Object.values(sets).every((set) => set.length > 0)
    const skipped = { pos: 0, neg: 0, variance: 0, slopes: s.map(() => 0) }
    return { valid, ...sets, ...(valid ? anchorTerms(s, sets, params) : skipped) }
  })
  return {
    loss: sum(anchors.map((a) => a.pos + a.neg + params.lambda * a.variance)) / batch,
    pos: anchors.map((a) => a.pos),
    neg: anchors.map((a) => a.neg),
    variance: anchors.map((a) => a.variance),
    valid: anchors.map((a) => a.valid),
    minedPositives: sum(anchors.map((a) => a.minedP.length)),
    minedNegatives: sum(anchors.map((a) => a.minedN.length)),
    slopes: anchors.map((a) => a.slopes.map((g) => g / batch)),
  }
}
