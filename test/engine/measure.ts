import { expect } from 'vitest'
import { randomStream } from '../../lib/engine/random.ts'
import type { Plain } from './naive.ts'

/** Shapes of arguments, and the range of their values. */
interface Recipe {
  /** Decides the order of the values. */
  readonly name: string
  readonly shapes: readonly (readonly number[])[]
  /** Default [-1, 1]. */
  readonly range?: readonly [number, number]
}

/** Arguments of an operation: distinct values well apart, so that no kink lies within a step. */
export function plainInputs({ name, shapes, range = [-1, 1] }: Recipe): Plain[] {
  const random = randomStream(1, name)
  const [low, high] = range
  return shapes.map((shape, i) => {
    const size = shape.reduce((a, b) => a * b, 1)
    const places = random.shuffled(Array.from({ length: size }, (_, place) => place))
    // Off the middle of its slot: no value is exactly 0, ±.5 or 6, nor that of another argument.
    const values = places.map((place) =>
      Math.fround(low + ((place + 0.37 + 0.2 * i) * (high - low)) / size),
    )
    return { shape, values }
  })
}

/** Fixed weights of the results, so that a slope that lands in the wrong place shows. */
export const weightsFor = (size: number): number[] =>
  Array.from({ length: size }, (_, i) => Math.fround(Math.sin(i + 1)))

/** Largest distance between two lists of numbers, relative to the larger of 1 and the values. */
export function distance(actual: ArrayLike<number>, expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length)
  const gaps = expected.map(
    (v, i) => Math.abs((actual[i] as number) - v) / Math.max(1, Math.abs(v)),
  )
  return Math.max(0, ...gaps)
}
