import { describe, expect, it } from 'vitest'
import type { Matrix } from '../../lib/engine/matrix.ts'
import { centreRows } from '../../lib/metric/centre.ts'
import { fitSpaceMap, mapResidual, rotateRows } from '../../lib/metric/space-map.ts'
import { cosine, listOf, rowsOf, unitRows } from './rows.ts'

/** An orthogonal matrix: Gram and Schmidt on random rows, in float64. */
function randomRotation(dim: number, seed: number): Float64Array {
  const product = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, i) => sum + value * (b[i] as number), 0)
  const rows: number[][] = []
  for (const start of listOf(unitRows(dim, dim, seed))) {
    let row = start
    for (let pass = 0; pass < 2; pass += 1) {
      for (const done of rows) {
        const along = product(row, done)
        row = row.map((value, i) => value - along * (done[i] as number))
      }
    }
    const norm = Math.sqrt(product(row, row))
    rows.push(row.map((value) => value / norm))
  }
  return Float64Array.from(rows.flat())
}

const largest = (values: Iterable<number>) => Math.max(...[...values].map(Math.abs))

/** Largest entry of RᵀR − I. */
function skew(rotation: Float64Array, dim: number): number {
  const entries = Array.from({ length: dim * dim }, (_, at) => {
    const [i, j] = [Math.floor(at / dim), at % dim]
    let sum = i === j ? -1 : 0
    for (let k = 0; k < dim; k += 1) {
      sum += (rotation[k * dim + i] as number) * (rotation[k * dim + j] as number)
    }
    return sum
  })
  return largest(entries)
}

const fromIdentity = (rotation: Float64Array, dim: number) =>
  largest(rotation.map((value, i) => value - Number(i % (dim + 1) === 0)))

/** Rows whose directions are used very unequally, as those of real networks. */
function unequalRows(rows: number, dim: number): Matrix {
  const { data } = unitRows(rows, dim, 3)
  return centreRows({ rows, dim, data: data.map((v, i) => v * 100 ** (-(i % dim) / dim)) }).matrix
}

describe('fitSpaceMap', () => {
  it('recovers the rotation of a rotated copy', () => {
    const from = unequalRows(200, 24)
    const rotation = randomRotation(24, 2)
    const found = fitSpaceMap(from, rotateRows(from, rotation))
    expect(largest(found.rotation.map((value, i) => value - (rotation[i] as number)))).toBeLessThan(
      1e-6,
    )
    expect(found.residual).toBeLessThan(1e-10)
  })

  it('is orthogonal, whatever the two spaces have in common', () => {
    expect(skew(fitSpaceMap(unitRows(50, 30, 4), unitRows(50, 30, 5)).rotation, 30)).toBeLessThan(
      1e-12,
    )
  })

  it('is the identity for equal models', () => {
    const rows = unequalRows(100, 16)
    const { rotation, residual } = fitSpaceMap(rows, rows)
    expect(fromIdentity(rotation, 16)).toBeLessThan(1e-6)
    expect(residual).toBeLessThan(1e-12)
  })

  it('is the identity for equal models that leave dimensions unused', () => {
    const rows = rowsOf(listOf(unitRows(40, 5, 6)).map((row) => [...row, 0, 0, ...row, 0]))
    const { rotation } = fitSpaceMap(rows, rows)
    expect(fromIdentity(rotation, 13)).toBeLessThan(1e-6)
    expect(skew(rotation, 13)).toBeLessThan(1e-12)
  })

  it('is the identity when both spaces are empty', () => {
    const zeros = { rows: 4, dim: 3, data: new Float32Array(12) }
    expect(fromIdentity(fitSpaceMap(zeros, zeros).rotation, 3)).toBeLessThan(1e-12)
  })

  it('keeps cosines', () => {
    const from = unequalRows(20, 12)
    const { rotation } = fitSpaceMap(from, unitRows(20, 12, 7))
    const [before, after] = [listOf(from), listOf(rotateRows(from, rotation))]
    const change = before.map(
      (row, i) =>
        cosine(row, before[0] as number[]) - cosine(after[i] as number[], after[0] as number[]),
    )
    expect(largest(change)).toBeLessThan(1e-6)
  })

  it('fits better than any small turn away from it', () => {
    const [from, to] = [unitRows(60, 6, 8), unitRows(60, 6, 9)]
    const { rotation, residual } = fitSpaceMap(from, to)
    for (const [i, j] of [
      [0, 1],
      [2, 5],
      [3, 4],
    ] as const) {
      for (const angle of [-0.01, 0.01]) {
        const turned = rotation.slice()
        for (let row = 0; row < 6; row += 1) {
          const [a, b] = [rotation[row * 6 + i] as number, rotation[row * 6 + j] as number]
          turned[row * 6 + i] = a * Math.cos(angle) - b * Math.sin(angle)
          turned[row * 6 + j] = a * Math.sin(angle) + b * Math.cos(angle)
        }
        expect(mapResidual(turned, from, to)).toBeGreaterThan(residual)
      }
    }
  })

  it('names the shapes that differ', () => {
    expect(() => fitSpaceMap(unitRows(3, 2, 1), unitRows(3, 4, 1))).toThrow('[3, 2], got [3, 4]')
    expect(() => rotateRows(unitRows(3, 2, 1), new Float64Array(9))).toThrow('length 4, got 9')
  })
})
