import { augmentationMrr } from '../metric/augmentation-mrr.ts'
import { centreRows } from '../metric/centre.ts'
import { embedMatrix } from '../model/encoder.ts'
import { chunks, type Pictures } from './pictures.ts'
import type { Student } from './student.ts'
import type { TrainingHooks } from './train.ts'

/** Steps between two looks at the monitor set, and the pictures that it needs. */
const monitorEvery = 100
const leastMonitor = 100
/** Altered views of each picture: with one alone chance decides. */
const views = 3

/** Augmentation MRR of the student, picture by picture, centred on its own mean over them. */
async function scoresOf(student: Student, pictures: Pictures, ids: readonly string[]) {
  async function* hard(view: number) {
    for (const some of chunks(ids)) yield await pictures.hard(some, view)
  }
  const network = await student.publishable()
  try {
    const { matrix, mean } = centreRows(await pictures.embed(network, ids))
    const scores = new Float32Array(ids.length)
    for (let view = 0; view < views; view += 1) {
      const queries = await embedMatrix(network, hard(view), { mean })
      const ranks = await augmentationMrr(queries, matrix, Int32Array.from(ids.keys()))
      for (const [i, rank] of ranks.entries()) scores[i] = (scores[i] as number) + rank / views
    }
    return scores
  } finally {
    network.dispose()
  }
}

/**
 * Looks at a student in training through pictures that it is not trained on.
 *
 * @param ids - The monitor set.
 * @returns undefined where the set is too small to tell anything.
 */
export function monitorOf(
  student: Student,
  pictures: Pictures,
  ids: readonly string[],
): TrainingHooks['monitor'] {
  if (ids.length < leastMonitor) return undefined
  return { every: monitorEvery, score: () => scoresOf(student, pictures, ids) }
}
