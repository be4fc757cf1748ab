/** Ranks from 1, the mean rank where values tie. */
function ranks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length
    const equal = values.filter((other) => other === value).length
    return below + (equal + 1) / 2
  })
}

/** Rank correlation of two lists, −1 to 1; NaN if one does not vary. */
export function spearman(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [ranks(a), ranks(b)]
  const middle = (a.length + 1) / 2
  const product = (one: readonly number[], other: readonly number[]) =>
    one.reduce((sum, value, i) => sum + (value - middle) * ((other[i] as number) - middle), 0)
  return product(x, y) / Math.sqrt(product(x, x) * product(y, y))
}
