import { type LayersModel, type Tensor, tf, type Variable } from '../engine/tf.ts'

/** Moving average of a student's weights; it embeds for clustering and becomes the candidate. */
export interface Teacher {
  /** Moves every weight towards the student's. */
  follow(): void
  /** Runs `work` while the network carries the teacher's weights. */
  during<T>(work: () => Promise<T>): Promise<T>
  dispose(): void
}

const variablesOf = (network: LayersModel): Variable[] =>
  network.weights.map((weight) => weight.read() as Variable)

/**
 * The teacher of a network.
 *
 * @param decay - Memory a step, in [0, 1); 0: the student itself, at no cost.
 */
export function teacherOf(network: LayersModel, decay: number): Teacher {
  if (decay === 0) {
    return { follow: () => undefined, during: (work) => work(), dispose: () => undefined }
  }
  const variables = variablesOf(network)
  let averages: Tensor[] = variables.map((variable) => tf.clone(variable))
  const swap = () => {
    const student = variables.map((variable) => tf.clone(variable))
    for (const [i, variable] of variables.entries()) variable.assign(averages[i] as Tensor)
    return student
  }
  return {
    follow: () => {
      const next = tf.tidy(() =>
        averages.map((average, i) =>
          tf.add(tf.mul(average, decay), tf.mul(variables[i] as Tensor, 1 - decay)),
        ),
      )
      tf.dispose(averages)
      averages = next
    },
    during: async (work) => {
      const student = swap()
      try {
        return await work()
      } finally {
        for (const [i, variable] of variables.entries()) variable.assign(student[i] as Tensor)
        tf.dispose(student)
      }
    },
    dispose: () => tf.dispose(averages),
  }
}
