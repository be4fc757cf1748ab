import { chooseK } from '../cluster/choose-k.ts'
import { cluster } from '../cluster/cluster.ts'
import { clusterStatistics } from '../cluster/statistics.ts'
import { trustImages } from '../cluster/trust.ts'
import type { Matrix } from '../engine/matrix.ts'
import { randomStream } from '../engine/random.ts'
import type { LayersModel } from '../engine/tf.ts'
import type { Preprocessing } from '../image/options.ts'
import { centreRows } from '../metric/centre.ts'
import { loadArtifact, type ModelFiles, saveArtifact } from '../model/artifact.ts'
import { foldOnto } from './fold.ts'
import { judgeModels } from './judge-models.ts'
import type { LabelledProbe } from './labelled.ts'
import { monitorOf } from './monitor.ts'
import { groupNumbers, idsOf } from './picture-lists.ts'
import { type PixelSource, picturesOf } from './pictures.ts'
import type { RoundSettings } from './recipe.ts'
import type { RoundModel } from './round-model.ts'
import type { Candidate, RoundReport, RoundResult } from './round-result.ts'
import type { Picture, StudentState } from './state.ts'
import { startStudent } from './student.ts'
import { type TrainingOutcome, type TrainingProgress, train } from './train.ts'
import { watchCandidate } from './watch.ts'

/** Everything that a round depends on, frozen before it begins. */
export interface RoundInput {
  readonly number: number
  readonly seed: number
  /** Pictures of the buffer, in the order of arrival. */
  readonly pictures: readonly (Picture & { readonly isFresh: boolean })[]
  readonly probes: { readonly a: readonly Picture[]; readonly b: readonly Picture[] }
  readonly monitor: readonly Picture[]
  /** The user's own classes, which decide where they are given. */
  readonly labelled?: LabelledProbe | undefined
  readonly champion: RoundModel
  readonly baseline: RoundModel
  /** Whether the champion is the baseline itself: its signals are then taken once. */
  readonly isChampionBaseline: boolean
  readonly student: StudentState | undefined
  readonly settings: RoundSettings
  readonly preprocessing: Preprocessing
  /** Probe pictures that the gate needs: 20 in the `small` profile, else 100. */
  readonly minProbe: number
}

/** What a round is told, and asked for, from outside. */
export interface RoundPorts {
  readonly pixels: PixelSource
  /** Monotonic clock, ms. */
  readonly now: () => number
  readonly report?: (progress: RoundProgress) => unknown
  /** Called with every iteration of a clustering, for watchdogs; awaited, and may end the round. */
  readonly alive?: () => unknown
  readonly signal?: AbortSignal
  /** Loads the artifact elsewhere and embeds pictures; answers why it does not serve, if so. */
  readonly check?: (
    files: ModelFiles,
    pixels: Uint8Array,
    expected: Matrix,
  ) => Promise<string | undefined>
}

/** Where a round stands. */
export type RoundProgress =
  | TrainingProgress
  | { readonly phase: 'fold' | 'gate' | 'check'; readonly step: number; readonly steps: number }

/** Why a run left no candidate. */
function withoutCandidate(training: TrainingOutcome): string | undefined {
  switch (training.ended) {
    case 'not-finite':
      return 'the loss was not finite; the weights are back where the round began'
    case 'no-clusters':
      return 'nothing to learn: fewer than two trusted clusters'
    case 'collapse':
      return training.steps === 0 ? 'the embeddings are collapsed before the first step' : undefined
    case 'steps':
    case 'time':
    case 'nothing-left':
      return undefined
  }
}

/**
 * One round: clusters, trains, folds the candidate onto the champion's space, and judges it.
 *
 * Pure but for its ports: equal inputs, seed, engine and machine give an equal candidate within
 * the engine's own determinism.
 *
 * @throws the signal's reason if it is aborted; nothing is changed then.
 * @see `method.md` §6, §8, §9.
 */
export async function runRound(input: RoundInput, ports: RoundPorts): Promise<RoundResult> {
  const { settings, seed, number } = input
  const pictures = picturesOf(ports.pixels, input.preprocessing, settings.augmentation, seed)
  const ids = idsOf(input.pictures)
  const k = settings.k ?? chooseK(ids.length)
  const champion = await loadArtifact(input.champion.files)
  const baseline = await loadArtifact(input.baseline.files)
  const student = await startStudent(input, baseline, pictures, ids)
  const { trainee } = student
  const owned: LayersModel[] = []
  try {
    const monitor = monitorOf(student, pictures, idsOf(input.monitor))
    const trained = await train(
      trainee,
      {
        ids,
        groups: groupNumbers(input.pictures),
        fresh: Uint8Array.from(input.pictures, ({ isFresh }) => (isFresh ? 1 : 0)),
      },
      settings,
      {
        now: ports.now,
        k,
        seed,
        round: number,
        ...(ports.report && { report: ports.report }),
        ...(ports.alive && { alive: ports.alive }),
        ...(ports.signal && { signal: ports.signal }),
        ...(monitor && { monitor }),
        ...(student.firstEmbeddings && { firstEmbeddings: student.firstEmbeddings }),
      },
      undefined,
      student.memory,
    )
    const { optimizer, ...training } = trained
    const reason = withoutCandidate(trained)
    if (reason !== undefined) {
      const outcome = trained.ended === 'not-finite' ? 'failed' : 'nothing'
      return { outcome, reason, training }
    }
    const tell = (phase: 'fold' | 'gate' | 'check') =>
      ports.report?.({ phase, step: trained.steps, steps: settings.steps })

    tell('fold')
    const embeddings = await trainee.embedAll()
    const clusterSeed = randomStream(seed, 'clustering', number, 'last').integer(2 ** 31)
    const alive = ports.alive && { report: ports.alive }
    const clustering = await cluster(embeddings, { k, seed: clusterSeed, ...alive })
    const trusted = trustImages(clustering, { marginDrop: settings.marginDrop })
    const championEmbeddings = await pictures.embed(champion, ids)
    const championMean = input.champion.mean ?? centreRows(championEmbeddings).mean
    const network = await student.publishable()
    owned.push(network)
    const folded = await foldOnto(
      { network, embeddings, mean: clustering.mean, centroids: clustering.centroids },
      { embeddings: championEmbeddings, mean: championMean },
      seed,
    )
    owned.push(folded.network)
    const files = { ...(await saveArtifact(folded.network)) }

    tell('gate')
    const baselineMean = input.baseline.mean ?? centreRows(await pictures.embed(baseline, ids)).mean
    const models = {
      candidate: { network: folded.network, mean: folded.mean },
      champion: { network: champion, mean: championMean },
      baseline: { network: baseline, mean: baselineMean },
    }
    const verdict = await judgeModels(
      models,
      input.isChampionBaseline,
      pictures,
      input,
      seed,
      async (expected, some) => {
        tell('check')
        return ports.check?.(files, await ports.pixels.read(some), expected)
      },
    )
    const watched = await watchCandidate(
      { ...models.candidate, centroids: folded.centroids },
      pictures,
      idsOf([...input.probes.a, ...input.probes.b]),
      settings.marginDrop,
      input.labelled,
    )
    const report: RoundReport = {
      number,
      k,
      pictures: ids.length,
      fresh: input.pictures.filter(({ isFresh }) => isFresh).length,
      training,
      clustering: clusterStatistics(clustering, trusted),
      fold: folded.report,
    }
    const candidate: Candidate = {
      files,
      mean: folded.mean,
      dim: embeddings.dim,
      clustering,
      centroids: folded.centroids,
      trusted,
    }
    return {
      outcome: 'judged',
      report,
      candidate,
      student: {
        weights: await trainee.snapshot(),
        optimizerStep: optimizer.step,
        first: optimizer.first,
        second: optimizer.second,
        architecture: student.architecture,
      },
      verdict,
      watched,
    }
  } finally {
    for (const network of owned) network.dispose()
    student.dispose()
    champion.dispose()
    baseline.dispose()
  }
}
