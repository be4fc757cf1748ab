import { describe, expect, it } from 'vitest'
import { augmentationDraws, type View } from '../../lib/image/augmentation-draws.ts'
import { type Augmentation, augmentationPresets, noAugmentation } from '../../lib/image/options.ts'

const views: readonly View[] = Array.from({ length: 200 }, (_, i) => ({
  id: `picture ${Math.floor(i / 2)}`,
  view: i % 2,
  step: 7,
}))
const draw = (change: Partial<Augmentation>, some = views) =>
  augmentationDraws(some, { ...noAugmentation, ...change }, 1)

/** The six numbers of one view. */
const matrix = (places: Float32Array, i: number): number[] => [...places.slice(6 * i, 6 * i + 6)]

/** Whether all numbers lie in a range and come near both of its ends. */
function fills(numbers: Iterable<number>, low: number, high: number): boolean {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)]
  const near = 0.1 * (high - low)
  return least >= low - 1e-6 && most <= high + 1e-6 && least < low + near && most > high - near
}

describe('augmentationDraws', () => {
  it('leaves pictures as they are without augmentation', () => {
    const draws = draw({})
    expect(matrix(draws.places, 0).map(Math.abs)).toEqual([1, 0, 0, 0, 1, 0])
    expect(new Set([...draws.brightness, ...draws.contrast, ...draws.saturation])).toEqual(
      new Set([1]),
    )
    expect([...draws.noise].every((value) => value === 0)).toBe(true)
  })

  it('depends on seed, picture, view and step alone', () => {
    const preset = augmentationPresets.photographProbe
    const all = augmentationDraws(views, preset, 1)
    const backwards = augmentationDraws([...views].reverse(), preset, 1)
    expect(matrix(backwards.places, 199)).toEqual(matrix(all.places, 0))
    expect(backwards.erased.slice(-4)).toEqual(all.erased.slice(0, 4))
    const [first] = views as [View]
    const changed = [
      augmentationDraws([first], preset, 2),
      augmentationDraws([{ ...first, id: 'other' }], preset, 1),
      augmentationDraws([{ ...first, view: 5 }], preset, 1),
      augmentationDraws([{ ...first, step: 8 }], preset, 1),
    ]
    for (const { places } of changed) {
      expect(matrix(places, 0)).not.toEqual(matrix(all.places, 0))
    }
  })

  it('crops the asked share of the area, anywhere in the picture', () => {
    const { places } = draw({ area: [0.25, 0.5], ratio: [0.8, 1.25] })
    const windows = views.map((_, i) => matrix(places, i) as [number, 0, number, 0, number, number])
    expect(
      fills(
        windows.map(([a, , , , e]) => a * e),
        0.25,
        0.5,
      ),
    ).toBe(true)
    expect(
      fills(
        windows.map(([a, , , , e]) => Math.log(a / e)),
        Math.log(0.8),
        Math.log(1.25),
      ),
    ).toBe(true)
    expect(windows.every(([a, , c]) => Math.abs(c) <= 1 - a + 1e-6)).toBe(true)
    expect(windows.some(([, , c]) => c > 0.2) && windows.some(([, , c]) => c < -0.2)).toBe(true)
  })

  it('mirrors the asked share of the views', () => {
    const { places } = draw({ flip: 0.25 })
    const mirrored = views.filter((_, i) => (places[6 * i] as number) < 0).length
    expect(mirrored / views.length).toBeGreaterThan(0.15)
    expect(mirrored / views.length).toBeLessThan(0.35)
  })

  it('turns by at most the asked angle, without changing size', () => {
    const { places } = draw({ rotation: 15 })
    const turns = views.map((_, i) => {
      const [a, b, , d, e] = matrix(places, i) as [number, number, number, number, number, number]
      expect(a * e - b * d).toBeCloseTo(1, 5)
      return (Math.atan2(b, a) * 180) / Math.PI
    })
    expect(fills(turns, -15, 15)).toBe(true)
  })

  it('sizes, slants and moves within the asked ranges', () => {
    const sizes = views.map(
      (_, i) => 1 / (draw({ scale: 0.2 }, [views[i] as View]).places[0] as number),
    )
    expect(fills(sizes, 0.8, 1.2)).toBe(true)
    const { places: slanted } = draw({ shear: 0.2 })
    expect(
      fills(
        views.map((_, i) => slanted[6 * i + 1] as number),
        -0.2,
        0.2,
      ),
    ).toBe(true)
    const { places: moved } = draw({ shift: 0.1 })
    // A picture is two places wide: a tenth of the side is .2.
    expect(
      fills(
        views.map((_, i) => moved[6 * i + 2] as number),
        -0.2,
        0.2,
      ),
    ).toBe(true)
    expect(
      fills(
        views.map((_, i) => moved[6 * i + 5] as number),
        -0.2,
        0.2,
      ),
    ).toBe(true)
  })

  it('changes colours within the asked ranges, each by itself', () => {
    const draws = draw({ brightness: 0.1, contrast: 0.2, saturation: 0.3 })
    expect(fills(draws.brightness, 0.9, 1.1)).toBe(true)
    expect(fills(draws.contrast, 0.8, 1.2)).toBe(true)
    expect(fills(draws.saturation, 0.7, 1.3)).toBe(true)
  })

  it('hides rectangles inside the picture, up to the asked share', () => {
    const { erased } = draw({ erase: 0.2 })
    const areas = views.map((_, i) => {
      const [top, left, bottom, right] = [...erased.slice(4 * i)] as [
        number,
        number,
        number,
        number,
      ]
      expect(Math.min(top, left)).toBeGreaterThanOrEqual(0)
      expect(Math.max(bottom, right)).toBeLessThanOrEqual(1)
      return (bottom - top) * (right - left)
    })
    expect(fills(areas, 0, 0.2)).toBe(true)
  })
})

describe('augmentationPresets', () => {
  const kinds = (options: Augmentation): Set<string> =>
    new Set(
      Object.entries(options)
        .filter(
          ([name, value]) =>
            JSON.stringify(value) !== JSON.stringify(Reflect.get(noAugmentation, name)),
        )
        .map(([name]) => name),
    )

  it.each(['photograph', 'glyph'] as const)(
    'probes %ss with two kinds unseen in training',
    (name) => {
      const trained = kinds(augmentationPresets[name])
      const probed = kinds(augmentationPresets[`${name}Probe`])
      expect([...trained].filter((kind) => !probed.has(kind))).toEqual([])
      expect([...probed].filter((kind) => !trained.has(kind)).length).toBeGreaterThanOrEqual(2)
    },
  )
})
