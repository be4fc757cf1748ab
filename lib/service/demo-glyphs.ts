import { type Random, randomStream } from '../engine/random.ts'

/** Side of a generated picture, pixels. */
export const glyphSize = 28

type Point = readonly [x: number, y: number]
/** Start, bend and end of a stroke, in −1…1. */
type Stroke = readonly [Point, Point, Point]

const point = (random: Random): Point => [
  1.6 * random.uniform() - 0.8,
  1.6 * random.uniform() - 0.8,
]

/** The glyph of a class: three to six strokes. */
function glyph(seed: number, kind: number): Stroke[] {
  const random = randomStream(seed, 'glyph', kind)
  const strokes = 3 + random.integer(4)
  return Array.from({ length: strokes }, () => [point(random), point(random), point(random)])
}

/** How one picture differs from its glyph. */
function pose(random: Random) {
  const turn = 0.27 * random.normal()
  const size = 0.85 + 0.3 * random.uniform()
  const slant = 0.16 * random.normal()
  const [dx, dy] = [0.11 * random.normal(), 0.11 * random.normal()]
  const [cos, sin] = [size * Math.cos(turn), size * Math.sin(turn)]
  return ([x, y]: Point): Point => [
    cos * (x + slant * y) - sin * y + dx,
    sin * (x + slant * y) + cos * y + dy,
  ]
}

const jittered = (random: Random, [x, y]: Point): Point => [
  x + 0.05 * random.normal(),
  y + 0.05 * random.normal(),
]

const colour = (random: Random, low: number, high: number): number[] =>
  [0, 1, 2].map(() => low + (high - low) * random.uniform())

/** Points along a stroke, a quadratic curve. */
function* along([a, b, c]: Stroke): Generator<Point> {
  const steps = 24
  for (let i = 0; i <= steps; i += 1) {
    const t = i / steps
    const [p, q, r] = [(1 - t) ** 2, 2 * t * (1 - t), t ** 2]
    yield [p * a[0] + q * b[0] + r * c[0], p * a[1] + q * b[1] + r * c[1]]
  }
}

/**
 * One picture of a class: its glyph with jittered strokes, a pose, colours and noise.
 *
 * @param kind - The class; a label that nothing but the measurement sees.
 * @returns Shape [28, 28, 3], 0–255.
 */
export function glyphPicture(seed: number, kind: number, number: number): Uint8Array {
  const random = randomStream(seed, 'glyph-picture', kind, number)
  const place = pose(random)
  const width = 0.07 + 0.05 * random.uniform()
  const ink = colour(random, 0, 110)
  const paper = colour(random, 145, 255)
  const cover = new Float32Array(glyphSize * glyphSize)
  for (const stroke of glyph(seed, kind)) {
    const moved = stroke.map((p) => place(jittered(random, p))) as unknown as Stroke
    for (const [x, y] of along(moved)) {
      const [column, row] = [((x + 1) / 2) * glyphSize, ((y + 1) / 2) * glyphSize]
      const reach = width * glyphSize
      for (let r = Math.floor(row - reach); r <= row + reach; r += 1) {
        for (let c = Math.floor(column - reach); c <= column + reach; c += 1) {
          if (r < 0 || c < 0 || r >= glyphSize || c >= glyphSize) continue
          const distance = Math.hypot(r + 0.5 - row, c + 0.5 - column)
          const at = r * glyphSize + c
          cover[at] = Math.max(cover[at] as number, Math.min(1, Math.max(0, reach - distance)))
        }
      }
    }
  }
  const pixels = new Uint8Array(glyphSize * glyphSize * 3)
  for (const [at, share] of cover.entries()) {
    for (let channel = 0; channel < 3; channel += 1) {
      const level = (ink[channel] as number) * share + (paper[channel] as number) * (1 - share)
      pixels[at * 3 + channel] = Math.max(0, Math.min(255, level + 14 * random.normal()))
    }
  }
  return pixels
}
