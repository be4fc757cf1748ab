/** What a proof found. */
export interface Found {
  /** Figures, each with its spread, for people. */
  readonly lines: readonly string[]
  /** Whether the claim holds. */
  readonly holds: boolean
}

/** Measures one claim; arguments are the words after its name. */
export type Proof = (args: readonly string[]) => Promise<Found>

/** Mean and standard deviation, as `.512 ± .004`. */
export function spread(values: readonly number[]): {
  readonly mean: number
  readonly deviation: number
  readonly text: string
} {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const deviation = values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1))
  return { mean, deviation, text: `${mean.toFixed(3)} ± ${deviation.toFixed(3)}` }
}
