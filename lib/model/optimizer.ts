import { type NamedTensors, type Tensor, type Tensor1D, tf, type Variable } from '../engine/tf.ts'
import { ShapeError } from '../errors.ts'

/** Settings of {@link adam}. */
export interface AdamOptions {
  /** Step size, > 0. Default 1e-3. */
  readonly rate?: number
  /** Coupled weight decay: this share of each weight is added to its gradient, ≥ 0. Default 0. */
  readonly weightDecay?: number
}

/** Defaults of {@link AdamOptions}. */
export const defaultAdamOptions: Required<AdamOptions> = { rate: 1e-3, weightDecay: 0 }

/** What an optimiser remembers between steps; plain data, part of a checkpoint. */
export interface AdamState {
  /** Steps done. */
  readonly step: number
  /** Moving average of the gradients, all variables one after another. */
  readonly first: Float32Array
  /** Moving average of the squared gradients, likewise. */
  readonly second: Float32Array
}

/** An optimiser over a fixed list of variables. */
export interface Adam {
  /**
   * Moves the variables by one step. A variable without a gradient only decays.
   *
   * @param grads - Gradients by variable name; they stay the caller's.
   * @param share - Of the rate that this step uses, 0–1. Default 1.
   */
  step(grads: NamedTensors, share?: number): void
  state(): Promise<AdamState>
  /** @throws {@link ShapeError} if the state is that of other variables. */
  load(state: AdamState): void
  dispose(): void
}

/** Memory of the two averages, and what keeps the quotient finite: the paper's own numbers. */
const firstDecay = 0.9
const secondDecay = 0.999
const epsilon = 1e-8

/**
 * Adam with coupled weight decay, over one flat vector: a dozen operations for all variables in
 * place of a dozen for each.
 *
 * @param variables - What is trained; they stay the caller's.
 * @see Kingma, Ba (2015), Adam, algorithm 1; decay as L2 penalty on the weights.
 */
export function adam(variables: readonly Variable[], options: AdamOptions = {}): Adam {
  const { rate, weightDecay } = { ...defaultAdamOptions, ...options }
  const sizes = variables.map((variable) => variable.size)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  let step = 0
  let first = tf.zeros([total]) as Tensor1D
  let second = tf.zeros([total]) as Tensor1D

  const flat = (tensors: readonly Tensor[]): Tensor1D =>
    tf.concat(tensors.map((tensor) => tf.reshape(tensor, [-1]))) as Tensor1D // [total]
  const replace = (nextFirst: Tensor1D, nextSecond: Tensor1D) => {
    tf.dispose([first, second])
    first = tf.keep(nextFirst)
    second = tf.keep(nextSecond)
  }

  return {
    step: (grads, share = 1) => {
      step += 1
      const firstShare = 1 - firstDecay ** step
      const secondShare = 1 - secondDecay ** step
      tf.tidy(() => {
        const weights = flat(variables) // [total]
        const given = variables.map((v) => grads[v.name] ?? tf.zeros(v.shape))
        const slopes = flat(given) // [total]
        const g = weightDecay === 0 ? slopes : tf.add(slopes, tf.mul(weights, weightDecay)) // [total]
        const nextFirst = tf.add(tf.mul(first, firstDecay), tf.mul(g, 1 - firstDecay)) as Tensor1D
        const nextSecond = tf.add(
          tf.mul(second, secondDecay),
          tf.mul(tf.square(g), 1 - secondDecay),
        ) as Tensor1D
        const scale = tf.add(tf.sqrt(tf.div(nextSecond, secondShare)), epsilon) // [total]
        const moved = tf.sub(weights, tf.div(tf.mul(nextFirst, (share * rate) / firstShare), scale)) // [total]
        const parts = tf.split(moved as Tensor1D, sizes)
        for (const [i, variable] of variables.entries()) {
          variable.assign(tf.reshape(parts[i] as Tensor, variable.shape))
        }
        replace(nextFirst, nextSecond)
      })
    },
    state: async () => {
      const [a, b] = await Promise.all([first.data(), second.data()])
      return { step, first: Float32Array.from(a), second: Float32Array.from(b) }
    },
    load: (state) => {
      if (state.first.length !== total || state.second.length !== total) {
        throw new ShapeError(
          `adam: expected moments of ${total} weights, got ${state.first.length}`,
        )
      }
      step = state.step
      tf.tidy(() => replace(tf.tensor1d(state.first), tf.tensor1d(state.second)))
    },
    dispose: () => tf.dispose([first, second]),
  }
}
