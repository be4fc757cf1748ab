/** A figure at a time. */
export interface Sample {
  /** Minutes. */
  readonly at: number
  readonly value: number
}

/** How a figure rises. */
export interface Slope {
  /** A minute. */
  readonly slope: number
  /** Of the slope; infinite where too little is known. */
  readonly standardError: number
}

/** Neighbouring samples are alike: their means over such blocks are nearly independent, minutes. */
const blockMinutes = 0.25

function blockMeans(samples: readonly Sample[]): readonly Sample[] {
  const blocks = Map.groupBy(samples, ({ at }) => Math.floor(at / blockMinutes))
  const mean = (values: readonly number[]) =>
    values.reduce((sum, one) => sum + one, 0) / values.length
  return [...blocks.values()].map((block) => ({
    at: mean(block.map(({ at }) => at)),
    value: mean(block.map(({ value }) => value)),
  }))
}

/**
 * The slope that several lives have in common, each with a level of its own: least squares over the
 * means of blocks.
 */
export function commonSlope(lives: readonly (readonly Sample[])[]): Slope {
  let [xx, xy, yy, freedom] = [0, 0, 0, -1]
  for (const life of lives) {
    const points = blockMeans(life)
    if (points.length < 2) continue
    const x = points.reduce((sum, { at }) => sum + at, 0) / points.length
    const y = points.reduce((sum, { value }) => sum + value, 0) / points.length
    for (const { at, value } of points) {
      xx += (at - x) ** 2
      xy += (at - x) * (value - y)
      yy += (value - y) ** 2
    }
    freedom += points.length - 1
  }
  const slope = xx === 0 ? 0 : xy / xx
  if (freedom < 1) return { slope, standardError: Number.POSITIVE_INFINITY }
  const residual = Math.max(0, yy - slope * xy)
  return { slope, standardError: Math.sqrt(residual / freedom / xx) }
}
