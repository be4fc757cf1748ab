import { chooseK } from '../cluster/choose-k.ts'
import { probesOf } from '../learn/probes.ts'
import type { RoundInput } from '../learn/round.ts'
import { profileOf } from '../learn/start-rule.ts'
import type { LearnerState } from '../learn/state.ts'
import type { RoundInput as FrozenRound } from '../registry/checkpoint-head.ts'
import type { LearnerParts } from './learner-memory.ts'
import { roundSettingsOf, startOf } from './settings.ts'
import type { VersionModel } from './version-model.ts'

/** What a round works on: the state that a checkpoint froze, and the models of the day. */
export function roundInput(
  { config, engine, baseline, preprocessing, labelled }: LearnerParts,
  champion: VersionModel,
  frozen: LearnerState,
  { number, seed }: FrozenRound,
): RoundInput {
  const { buffer, clusters, heldOut, student } = frozen
  const profile = profileOf(frozen, startOf(config))
  const entries = [...buffer.entries.values()].sort((a, b) => a.arrival - b.arrival)
  const settings = roundSettingsOf(config, engine, frozen)
  const previous = clusters && { k: clusters.k, n: clusters.chosenAt }
  const { minProbe, ...probes } = probesOf(frozen, profile)
  return {
    number,
    seed,
    pictures: entries.map(({ id, source, at, group, arrival }) => ({
      ...{ id, source, at, group },
      isFresh: arrival >= buffer.freshFrom,
    })),
    probes,
    labelled,
    monitor: profile === 'small' ? [] : heldOut.monitor,
    champion: { files: champion.files, mean: champion.mean, digest: champion.digest },
    baseline: { files: baseline.files, mean: undefined, digest: baseline.digest },
    isChampionBaseline: champion.mean === undefined,
    student,
    settings: { ...settings, k: settings.k ?? chooseK(entries.length, previous) },
    preprocessing,
    minProbe,
  }
}
