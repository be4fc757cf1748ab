import { type LayersModel, tf } from '../../lib/engine/tf.ts'
import { judge } from '../../lib/learn/gate.ts'
import { mean, onAll } from '../../lib/learn/gate-comparisons.ts'
import type { ModelSignals } from '../../lib/learn/gate-input.ts'
import type { Objective } from '../../lib/learn/objective.ts'
import { type Judged, judgeSignals } from '../../lib/learn/signals.ts'
import { cosines } from '../../lib/loss/cosines.ts'
import { lossPresets } from '../../lib/loss/presets.ts'
import { pairedBootstrap } from '../../lib/metric/bootstrap.ts'
import { centreRows } from '../../lib/metric/centre.ts'
import { neighbourOverlap } from '../../lib/metric/neighbours.ts'
import { frozen, type LearnOptions, learn, measure, picturesFor } from '../laboratory/learn.ts'
import { spearman } from '../laboratory/spearman.ts'
import { openTask, type SetName, type Task } from '../laboratory/task.ts'
import type { Found, Proof } from './proof.ts'

/** A model, how good it truly is, and what the gate sees of it. */
interface Subject {
  readonly name: string
  readonly isSabotaged: boolean
  readonly mapAtR: number
  readonly recallAt1: number
  readonly judged: Judged
}

/** Steps at which the long training is looked at; the last is three times what a round takes. */
const looks = [25, 50, 100, 200, 400, 800, 1_600, 3_000]
/** The model that a round would have made champion. */
const championStep = 800
/** Rates that undo what training gains, kept to the end: a cooldown would mend much of it. */
const ruinousRate = { omniglot: 0.03, grocery: 1e-3 }

/** Pulls every pair together: all pictures end in one point. */
const collapse: Objective = {
  loss: (anchors) =>
    tf.tidy(() => {
      const loss = tf.mean(tf.sub(1, cosines(anchors, anchors))).asScalar()
      const rows = anchors.shape[0]
      return {
        loss,
        pos: tf.zeros([rows]),
        neg: tf.zeros([rows]),
        variance: tf.zeros([rows]),
        valid: tf.ones([rows]),
        minedPositives: tf.scalar(1),
        minedNegatives: tf.scalar(1),
      }
    }),
  dispose: () => undefined,
}

/** Signals by name, each one number a model. */
const signals: Readonly<Record<string, (judged: ModelSignals) => number>> = {
  'augmentation MRR': (signals) => mean(onAll(signals, 'mrr')),
  'neighbour consistency': (signals) => mean(onAll(signals, 'consistency')),
  'effective rank': ({ effectiveRank }) => effectiveRank,
  spread: ({ spread }) => spread,
  'cluster stability': ({ watched }) => watched['stability'] ?? Number.NaN,
}

async function subjectsOf(task: Task & { readonly name: 'omniglot' | 'grocery' }, seed: number) {
  const isProbe = (_: number, i: number) => i % 5 === 0
  const probe = task.streamed.filter(isProbe).map(String)
  const rows = task.streamed.filter((row, i) => !isProbe(row, i))
  const pictures = picturesFor(task, seed)
  const probes = { a: probe.filter((_, i) => i % 2 === 0), b: probe.filter((_, i) => i % 2 === 1) }
  const subjects: Subject[] = []
  const examine = async (name: string, network: LayersModel, isSabotaged: boolean) => {
    const vectors = await pictures.embed(network, rows.map(String))
    const model = { network, mean: centreRows(vectors).mean }
    const judged = await judgeSignals(model, pictures, probes, seed)
    const truth = await measure(task, network, task.unseen)
    subjects.push({ name, isSabotaged, ...truth, judged })
    const figures = Object.values(signals).map((of) => of(judged.signals).toFixed(3))
    console.log(
      `${task.name} · ${name.padEnd(16)} MAP@R ${truth.mapAtR.toFixed(3)} R@1 ${truth.recallAt1.toFixed(3)} · ${figures.join(' ')}`,
    )
  }
  const trained = async (name: string, isSabotaged: boolean, more: Partial<LearnOptions>) => {
    const network = await learn(task, { seed, rows, ...more })
    await examine(name, network, isSabotaged)
    network.dispose()
  }
  const baseline = await frozen(task)
  await examine('frozen', baseline, false)
  baseline.dispose()
  const long = await learn(task, {
    seed,
    rows,
    settings: { steps: looks.at(-1) as number },
    watch: {
      every: looks[0] as number,
      look: async (step, network) => {
        if (looks.includes(step)) await examine(`${step} steps`, network, false)
      },
    },
  })
  long.dispose()
  await trained('paper', false, { settings: { loss: lossPresets.paper, steps: 400 } })
  await trained('collapsed', true, { settings: { steps: 200 }, objective: collapse })
  const rate = ruinousRate[task.name]
  await trained(`rate ${rate}`, true, { settings: { rate, cooldown: 0, steps: 400 } })
  return subjects
}

/** What the gate would say, were one model champion and the other candidate. */
async function verdict(candidate: Subject, champion: Subject, baseline: Subject, seed: number) {
  return judge(
    {
      candidate: candidate.judged.signals,
      champion: champion.judged.signals,
      baseline: baseline.judged.signals,
      isChampionBaseline: champion === baseline,
      overlap:
        champion === baseline
          ? undefined
          : await neighbourOverlap(candidate.judged.plainA, champion.judged.plainA),
      artifactFault: undefined,
    },
    (difference) => pairedBootstrap(difference, undefined, { seed }),
  )
}

async function oneSet(name: SetName & ('omniglot' | 'grocery'), seed: number): Promise<Found> {
  const task = { ...(await openTask(name)), name }
  const subjects = await subjectsOf(task, seed)
  const lines: string[] = []
  const truth = subjects.map(({ mapAtR }) => mapAtR)
  const recall = subjects.map(({ recallAt1 }) => recallAt1)
  for (const [signal, of] of Object.entries(signals)) {
    const values = subjects.map(({ judged }) => of(judged.signals))
    const [withTruth, withRecall] = [spearman(values, truth), spearman(values, recall)]
    const weak = withTruth < 0.5 ? ' · UNDER .5' : ''
    lines.push(
      `${name} · ${signal.padEnd(22)} Spearman with MAP@R ${withTruth.toFixed(2)}, with R@1 ${withRecall.toFixed(2)}${weak}`,
    )
  }
  const [baseline] = subjects as [Subject, ...Subject[]]
  const best = subjects.find((one) => one.name === `${championStep} steps`) as Subject
  let holds = true
  for (const champion of [baseline, best]) {
    for (const candidate of subjects) {
      if (candidate === champion) continue
      const { verdict: said, reason } = await verdict(candidate, champion, baseline, seed)
      const gain = candidate.mapAtR - champion.mapAtR
      lines.push(
        `${name} · ${candidate.name} against ${champion.name} (${gain >= 0 ? '+' : '−'}${Math.abs(gain).toFixed(3)} in truth): ${said}, ${reason}`,
      )
      if (candidate.isSabotaged && said === 'promote') holds = false
    }
  }
  return { lines, holds }
}

/** Do the gate's signals follow the truth, and does it stop what is broken? */
export const gate: Proof = async ([only]) => {
  const names = only === undefined ? (['omniglot', 'grocery'] as const) : [only as 'omniglot']
  const found: Found[] = []
  for (const name of names) found.push(await oneSet(name, 1))
  return { lines: found.flatMap(({ lines }) => lines), holds: found.every(({ holds }) => holds) }
}
