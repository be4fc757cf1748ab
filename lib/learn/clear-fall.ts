/** Fall of the mean that is worth going back for. */
const toleratedFall = 0.02
/** Standard errors that it must exceed as well: a hundred pictures err by about .02. */
const standardErrors = 2

/**
 * Whether pictures score clearly lower than they did: by more than .02, and by more than chance.
 *
 * @param before - Score of each picture, shape [n].
 * @param after - Scores of the same pictures later, shape [n].
 */
export function fellClearly(before: Float32Array, after: Float32Array): boolean {
  const n = before.length
  const falls = before.map((value, i) => value - (after[i] as number))
  const fall = falls.reduce((sum, value) => sum + value, 0) / n
  const squares = falls.reduce((sum, value) => sum + (value - fall) ** 2, 0)
  const standardError = n < 2 ? 0 : Math.sqrt(squares / (n - 1) / n)
  return fall > Math.max(toleratedFall, standardErrors * standardError)
}
