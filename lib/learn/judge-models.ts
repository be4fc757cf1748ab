import type { Matrix } from '../engine/matrix.ts'
import { pairedBootstrap } from '../metric/bootstrap.ts'
import { neighbourOverlap } from '../metric/neighbours.ts'
import { judge, type Verdict } from './gate.ts'
import type { ModelSignals } from './gate-input.ts'
import { type LabelledProbe, labelledSignals } from './labelled.ts'
import { groupNumbers, idsOf } from './picture-lists.ts'
import type { Pictures } from './pictures.ts'
import type { JudgingPictures } from './probes.ts'
import { type GateModel, judgeSignals, type Probes } from './signals.ts'

/** Vectors that the artifact must give again in another process. */
const checkedVectors = 16

/** Recent pictures that make a probe of their own, where a candidate must not lose old ones. */
const leastProbeB = 100

/** What models are judged on. */
export interface JudgeInput {
  readonly probes: Omit<JudgingPictures, 'minProbe'>
  readonly minProbe: number
  /** Decides in place of the label-free figures, where the user has one. */
  readonly labelled?: LabelledProbe | undefined
}

/** Signals of three models, and the verdict on the first. */
export async function judgeModels(
  models: {
    readonly candidate: GateModel
    readonly champion: GateModel
    readonly baseline: GateModel
  },
  isChampionBaseline: boolean,
  pictures: Pictures,
  input: JudgeInput,
  seed: number,
  check: (expected: Matrix, ids: readonly string[]) => Promise<string | undefined>,
): Promise<Verdict> {
  const { a } = input.probes
  const isEnough = isChampionBaseline || input.probes.b.length >= leastProbeB
  const b = isEnough ? input.probes.b : []
  const probes: Probes = { a: idsOf(a), b: idsOf(b) }
  const candidate = await judgeSignals(models.candidate, pictures, probes, seed)
  const champion = await judgeSignals(models.champion, pictures, probes, seed)
  const baseline = isChampionBaseline
    ? champion
    : await judgeSignals(models.baseline, pictures, probes, seed)
  const overlap = isChampionBaseline
    ? undefined
    : await neighbourOverlap(candidate.plainA, champion.plainA)
  const some = probes.a.slice(0, checkedVectors)
  const artifactFault =
    some.length === 0
      ? undefined
      : await check(await pictures.embed(models.candidate.network, some), some)
  const groups = {
    a: groupNumbers(a),
    b: groupNumbers(b),
    all: groupNumbers([...a, ...b]),
    labels: undefined,
  }
  const { labelled } = input
  const onLabels = labelled && {
    candidate: await labelledSignals(models.candidate, pictures, labelled),
    champion: await labelledSignals(models.champion, pictures, labelled),
    baseline: await labelledSignals(models.baseline, pictures, labelled),
  }
  const signals = (judged: { readonly signals: ModelSignals }) => judged.signals
  return judge(
    {
      candidate: signals(candidate),
      champion: signals(champion),
      baseline: signals(baseline),
      isChampionBaseline,
      overlap,
      artifactFault,
      ...(onLabels && { labelled: onLabels }),
    },
    (difference, probe) => pairedBootstrap(difference, groups[probe], { seed }),
    input.minProbe,
  )
}
