import { centreRows } from '../metric/centre.ts'
import { retrieval } from '../metric/retrieval.ts'
import type { LabelledSignals } from './gate-input.ts'
import type { Pictures } from './pictures.ts'
import type { GateModel } from './signals.ts'

/** Pictures whose classes the user knows: they judge models, and are never trained on. */
export interface LabelledProbe {
  /** Image ids, each once. */
  readonly ids: readonly string[]
  /** Class of each, any integers, shape [n]. */
  readonly classes: Int32Array
}

/** How well one model finds the others of a picture's class, per picture that has others. */
export async function labelledSignals(
  { network, mean }: GateModel,
  pictures: Pictures,
  { ids, classes }: LabelledProbe,
): Promise<LabelledSignals> {
  const vectors = centreRows(await pictures.embed(network, ids), mean).matrix
  const { perQuery } = await retrieval(vectors, classes, { ks: [1] })
  return { mapAtR: perQuery.mapAtR, recallAt1: perQuery.recallAt1 }
}
