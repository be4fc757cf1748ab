import type { Answer, LiveService } from './live-service.ts'

/** Requests that never stop. */
export interface Load {
  /** All answers so far, in the order in which they came. */
  readonly answers: readonly Answer[]
  /** Ends it once the requests under way are answered. */
  stop(): Promise<void>
}

/** Embeds and searches, each one request after another, by pictures in turn. */
export function continuousLoad(
  { post }: Pick<LiveService, 'post'>,
  pictures: readonly Uint8Array[],
): Load {
  const answers: Answer[] = []
  let isOver = false
  const one = async (path: string): Promise<void> => {
    for (let turn = 0; !isOver; turn += 1) {
      answers.push(await post(path, pictures[turn % pictures.length] as Uint8Array))
    }
  }
  const all = Promise.all([one('/v1/embed'), one('/v1/search?k=10')])
  return {
    answers,
    stop: async () => {
      isOver = true
      await all
    },
  }
}

/** The value below which a share of the numbers lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

/** The time that 99 of 100 answers kept to, ms. */
export const p99 = (answers: readonly Answer[]): number =>
  quantile(
    answers.map(({ ms }) => ms),
    0.99,
  )
