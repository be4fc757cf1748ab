import type { BootstrapInterval } from '../metric/bootstrap.ts'
import type { GateInput, LabelledSignals, ModelSignals, ProbeSignals } from './gate-input.ts'

/** Interval of candidate − champion, with the means of the three models. */
export interface Comparison extends BootstrapInterval {
  readonly candidate: number
  readonly champion: number
  readonly baseline: number
}

/** Pictures that a comparison is made on: old or recent held-out ones, both, or the user's own. */
export type ProbeName = 'a' | 'b' | 'all' | 'labels'

/** Paired bootstrap of per-picture differences, handed in with its seed and groups. */
export type Resample = (difference: Float32Array, probe: ProbeName) => BootstrapInterval

/** A comparison that decides, and the bound that its interval must lie above. */
export interface Decisive {
  readonly name: string
  readonly above: number
  readonly comparison: Comparison
}

/** Mean; 0 of nothing. */
export const mean = (values: Float32Array): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

/** A signal on both probes, one after the other, or on the only one. */
export const onAll = ({ a, b }: ModelSignals, signal: keyof ProbeSignals): Float32Array =>
  Float32Array.from([...a[signal], ...(b?.[signal] ?? [])])

/**
 * The comparisons that decide, and how many pictures the smallest of them is made on.
 *
 * A candidate must gain on recent pictures, and lose no more than chance anywhere. Where there is
 * nothing to lose yet, or one probe only, all held-out pictures judge as one: twice as many can
 * show a gain that is smaller by a third.
 *
 * @param tolerance - Lower bound that may not be crossed where no gain is asked for, on a large probe.
 */
export function decisiveComparisons(
  input: GateInput,
  resample: Resample,
  tolerance: number,
): { readonly decisive: readonly Decisive[]; readonly size: number } {
  const { candidate, champion, baseline, labelled, isChampionBaseline } = input
  const compare = (
    of: (side: 'candidate' | 'champion' | 'baseline') => Float32Array,
    probe: ProbeName,
  ): Comparison => {
    const [ours, theirs] = [of('candidate'), of('champion')]
    const difference = ours.map((value, i) => value - (theirs[i] as number))
    const means = { candidate: mean(ours), champion: mean(theirs), baseline: mean(of('baseline')) }
    return { ...resample(difference, probe), ...means }
  }
  if (labelled !== undefined) {
    const on = (signal: keyof LabelledSignals) =>
      compare((side) => labelled[side][signal], 'labels')
    const decisive = [
      { name: 'MAP@R on labels', above: 0, comparison: on('mapAtR') },
      // Shown beside it; a large loss is a veto of its own.
      { name: 'Recall@1 on labels', above: Number.NEGATIVE_INFINITY, comparison: on('recallAt1') },
    ]
    return { decisive, size: labelled.candidate.mapAtR.length }
  }
  const models = { candidate, champion, baseline }
  // No finer than the probe can resolve: .02 at 100 pictures, .009 at 500, the option from 1,600.
  const tolerated = (pictures: number) => Math.min(tolerance, -0.2 / Math.sqrt(pictures))
  const { a, b } = candidate
  if (isChampionBaseline || b === undefined) {
    const on = (signal: keyof ProbeSignals) => compare((side) => onAll(models[side], signal), 'all')
    const size = a.mrr.length + (b?.mrr.length ?? 0)
    const decisive = [
      { name: 'MRR on held-out pictures', above: 0, comparison: on('mrr') },
      {
        name: 'consistency on held-out pictures',
        above: tolerated(size),
        comparison: on('consistency'),
      },
    ]
    return { decisive, size }
  }
  const above = tolerated(a.mrr.length)
  const on = (probe: 'a' | 'b', signal: keyof ProbeSignals) =>
    compare((side) => (models[side][probe] as ProbeSignals)[signal], probe)
  const decisive = [
    { name: 'MRR on new pictures', above: 0, comparison: on('b', 'mrr') },
    { name: 'MRR on old pictures', above, comparison: on('a', 'mrr') },
    { name: 'consistency on old pictures', above, comparison: on('a', 'consistency') },
    { name: 'consistency on new pictures', above, comparison: on('b', 'consistency') },
  ]
  return { decisive, size: Math.min(a.mrr.length, b.mrr.length) }
}
