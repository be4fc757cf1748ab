/**
 * Counts what a total has risen by since it was last told. What it begins with is no news: totals
 * of the learner outlive its process.
 */
export function rise(count: (by: number) => void): (total: number) => void {
  let before: number | undefined
  return (total) => {
    if (before !== undefined && total > before) count(total - before)
    before = total
  }
}
