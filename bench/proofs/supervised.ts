import { study } from '../laboratory/study.ts'
import type { Trial } from '../laboratory/trial.ts'
import { type Proof, spread } from './proof.ts'

const losses = [
  'calibrated',
  'adaptive',
  'multi-similarity',
  'paper',
  'triplet',
  'ntxent',
] satisfies readonly Trial['loss'][]
const sets = ['omniglot', 'grocery'] as const

/** Shown beside the others, and no default: the same loss with thresholds that follow the data. */
const shownOnly: Trial['loss'] = 'adaptive'

/** Steps of every training: what a supervised run needs on either set. */
const steps = 400

/** Every loss with true labels on both sets, measured on classes that were never trained. */
export const supervised: Proof = async (args) => {
  const seeds = args.length > 0 ? args.map(Number) : [1, 2, 3]
  const trials = sets.flatMap((set) =>
    losses.flatMap((loss) =>
      seeds.map((seed): Trial => ({ set, seed, loss, isSupervised: true, steps })),
    ),
  )
  const results = await study(trials)
  const of = (set: string, loss: string) =>
    results.filter((_, i) => trials[i]?.set === set && trials[i]?.loss === loss)
  const lines: string[] = [`${steps} steps on true labels · ${seeds.length} seeds · unseen classes`]
  let holds = true
  for (const set of sets) {
    const rows = losses.map((loss) => {
      const found = of(set, loss)
      const mapAtR = spread(found.map(({ unseen }) => unseen.mapAtR))
      const recallAt1 = spread(found.map(({ unseen }) => unseen.recallAt1))
      lines.push(`${set} · ${loss.padEnd(16)} MAP@R ${mapAtR.text} · R@1 ${recallAt1.text}`)
      return { loss, mapAtR }
    })
    const rivals = rows.filter(({ loss }) => loss !== shownOnly)
    const best = rivals.reduce((a, b) => (b.mapAtR.mean > a.mapAtR.mean ? b : a))
    const ours = rows.find(({ loss }) => loss === 'calibrated')?.mapAtR
    const noise = Math.hypot(best.mapAtR.deviation, ours?.deviation ?? 0)
    const behind = best.mapAtR.mean - (ours?.mean ?? 0)
    lines.push(
      `${set} · best ${best.loss}; calibrated behind by ${behind.toFixed(3)}, noise ${noise.toFixed(3)}`,
    )
    holds &&= behind <= noise
  }
  return { lines, holds }
}
