import { augmentationMrr } from '../metric/augmentation-mrr.ts'
import { centreRows } from '../metric/centre.ts'
import { embedMatrix } from '../model/encoder.ts'
import { chunks, type Pictures } from './pictures.ts'
import type { Student } from './student.ts'
import type { TrainingHooks } from './train.ts'

/** Steps between two looks at the monitor set, and the pictures that it needs. */
const monitorEvery = 100
const leastMonitor = 100

/** Augmentation MRR of the student, centred on its own mean over the pictures. */
async function scoreOf(student: Student, pictures: Pictures, ids: readonly string[]) {
  async function* hard() {
    for (const some of chunks(ids)) yield await pictures.hard(some, 0)
  }
  const network = await student.publishable()
  try {
    const { matrix, mean } = centreRows(await pictures.embed(network, ids))
    const queries = await embedMatrix(network, hard(), { mean })
    const ranks = await augmentationMrr(queries, matrix, Int32Array.from(ids.keys()))
    return ranks.reduce((sum, value) => sum + value, 0) / ranks.length
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
  return { every: monitorEvery, score: () => scoreOf(student, pictures, ids) }
}
