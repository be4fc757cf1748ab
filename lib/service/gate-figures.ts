import type { GateReport } from '../registry/gate-report.ts'
import type { Json, JsonObject } from '../store/types.ts'

const isTree = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The figures of a gate report by name: of each comparison the candidate's, the champion's, the
 * baseline's and the difference with its interval, then the single figures.
 */
export function gateFigures(gate: GateReport | undefined): ReadonlyMap<string, number> {
  const figures = new Map<string, number>()
  const walk = (prefix: string, tree: JsonObject): void => {
    for (const [key, value] of Object.entries(tree)) {
      const name = prefix === '' ? key : `${prefix}: ${key}`
      if (typeof value === 'number') figures.set(name, value)
      else if (isTree(value)) walk(name, value)
    }
  }
  for (const section of Object.values(gate?.details ?? {})) {
    if (isTree(section)) walk('', section)
  }
  return figures
}

/** The figures of a gate report that were watched when the version was made, and decided nothing. */
export function watchedFigures(gate: GateReport | undefined): Readonly<Record<string, number>> {
  const watched = gate?.details?.['watched']
  const entries = isTree(watched) ? Object.entries(watched) : []
  return Object.fromEntries(
    entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  )
}
