import { lossPresets } from '../../lib/loss/presets.ts'
import { study } from '../laboratory/study.ts'
import type { Trial, Trialled } from '../laboratory/trial.ts'
import { type Proof, spread } from './proof.ts'

const sets = ['omniglot', 'grocery'] as const
const strengths = [0, 0.1, 0.25, 1]
const gammas = [0, 0.2]

/** λ × γ; γ means nothing where λ is 0. */
const settings = strengths.flatMap((lambda) =>
  (lambda === 0 ? [0] : gammas).map((gamma) => ({ lambda, gamma })),
)

/**
 * The variance term's strength, without labels in training: what does it cost, and what does it
 * give? The choice is made on the classes that were trained; unseen ones are reported.
 */
export const variance: Proof = async (args) => {
  const seeds = args.length > 0 ? args.map(Number) : [1, 2, 3]
  const trials = sets.flatMap((set) =>
    settings.flatMap((numbers) =>
      seeds.map((seed): Trial => ({ set, seed, loss: 'calibrated', numbers, isSupervised: false })),
    ),
  )
  const results = await study(trials)
  const { lambda, gamma } = lossPresets.calibrated
  const lines: string[] = [`full steps on pseudo-labels · ${seeds.length} seeds`]
  let holds = lambda > 0
  for (const set of sets) {
    const of = (wanted: { lambda: number; gamma: number }) =>
      results.filter((_, i) => {
        const { set: name, numbers } = trials[i] as Trial
        return name === set && numbers?.lambda === wanted.lambda && numbers.gamma === wanted.gamma
      })
    const figure = (
      found: readonly Trialled[],
      part: keyof Trialled,
      name: 'mapAtR' | 'recallAt1',
    ) => spread(found.map((one) => one[part][name]))
    for (const one of settings) {
      const found = of(one)
      lines.push(
        `${set} · λ ${one.lambda} γ ${one.lambda === 0 ? '–' : one.gamma} · trained classes MAP@R ${figure(found, 'trained', 'mapAtR').text} · unseen MAP@R ${figure(found, 'unseen', 'mapAtR').text}, R@1 ${figure(found, 'unseen', 'recallAt1').text}`,
      )
    }
    const without = figure(of({ lambda: 0, gamma: 0 }), 'trained', 'mapAtR')
    const ours = figure(of({ lambda, gamma }), 'trained', 'mapAtR')
    const noise = Math.hypot(without.deviation, ours.deviation)
    const cost = without.mean - ours.mean
    lines.push(
      `${set} · the default λ ${lambda} γ ${gamma} costs ${cost.toFixed(3)} on trained classes, noise ${noise.toFixed(3)}`,
    )
    holds &&= cost <= noise
  }
  return { lines, holds }
}
