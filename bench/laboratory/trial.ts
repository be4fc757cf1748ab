/**
 * One training in a process of its own: `node bench/laboratory/trial.ts '<json>'` prints its figures
 * as a line of JSON.
 */

import { adaptiveObjective, pairObjective } from '../../lib/learn/objective.ts'
import { lossParams } from '../../lib/learn/recipe.ts'
import type { PairLossParams } from '../../lib/loss/options.ts'
import type { LossPreset } from '../../lib/loss/presets.ts'
import { frozen, learn, measure } from './learn.ts'
import { ntxentObjective, tripletObjective } from './rivals.ts'
import { openTask, type SetName } from './task.ts'

/** What is trained. */
export interface Trial {
  readonly set: SetName
  readonly seed: number
  readonly isSupervised: boolean
  readonly loss: LossPreset | 'adaptive' | 'ntxent' | 'triplet'
  /** Numbers of the preset that are replaced. */
  readonly numbers?: Partial<PairLossParams>
  /** Optimiser steps; absent: the recipe's. */
  readonly steps?: number
}

/** Figures on classes that were trained, by their true labels, and on unseen ones. */
export interface Trialled {
  readonly trained: { readonly mapAtR: number; readonly recallAt1: number }
  readonly unseen: { readonly mapAtR: number; readonly recallAt1: number }
}

function objectiveOf({ loss, numbers = {} }: Trial) {
  if (loss === 'ntxent') return ntxentObjective
  if (loss === 'triplet') return tripletObjective
  if (loss === 'adaptive') return adaptiveObjective(lossParams('calibrated', numbers))
  return pairObjective(lossParams(loss, numbers))
}

const trial = JSON.parse(process.argv[2] ?? '{}') as Trial
const task = await openTask(trial.set)
const network =
  trial.steps === 0
    ? await frozen(task)
    : await learn(task, {
        seed: trial.seed,
        rows: task.streamed,
        isSupervised: trial.isSupervised,
        objective: objectiveOf(trial),
        settings: trial.steps === undefined ? {} : { steps: trial.steps },
      })
const result: Trialled = {
  trained: await measure(task, network, task.streamed),
  unseen: await measure(task, network, task.unseen),
}
console.log(JSON.stringify(result))
