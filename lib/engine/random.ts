import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus'

/** A seeded stream of random numbers. */
export interface Random {
  /** Next number, uniform in [0, 1). */
  uniform(): number
  /** Next integer, uniform in [0, limit). */
  integer(limit: number): number
  /** Next number of a standard normal distribution. */
  normal(): number
  /** A new array with the items in random order. */
  shuffled<T>(items: readonly T[]): T[]
}

/** One 32-bit word of state from the key: multiply, rotate and mix each character. */
function mix(key: string, lane: number): number {
  let hash = (0x9e3779b9 ^ Math.imul(lane + 1, 0x85ebca6b)) | 0
  for (let i = 0; i < key.length; i += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0xcc9e2d51)
    hash = ((hash << 13) | (hash >>> 19)) + lane
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) | 0
}

/**
 * The random stream of one purpose: equal keys give equal streams, whatever was drawn elsewhere.
 *
 * @param seed - The pipeline's seed.
 * @param purpose - What the numbers are for, for example `'seeding', round, restart`.
 */
export function randomStream(seed: number, ...purpose: readonly (string | number)[]): Random {
  const key = [seed, ...purpose].join('\u0000')
  const words = [0, 1, 2, 3].map((lane) => mix(key, lane))
  const generator = xoroshiro128plusFromState(words.every((w) => w === 0) ? [1, 2, 3, 4] : words)
  const uniform = () => uniformFloat64(generator)
  const integer = (limit: number) => uniformInt(generator, 0, limit - 1)
  return {
    uniform,
    integer,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    shuffled: (items) => {
      const result = [...items]
      for (let i = result.length - 1; i > 0; i -= 1) {
        const j = integer(i + 1)
        const kept = result[i] as (typeof result)[number]
        result[i] = result[j] as (typeof result)[number]
        result[j] = kept
      }
      return result
    },
  }
}
