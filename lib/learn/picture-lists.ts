import type { Picture } from './state.ts'

/** Image ids, in order. */
export const idsOf = (pictures: readonly Picture[]): string[] => pictures.map(({ id }) => id)

/** Numbers for the duplicate groups, equal for equal names. */
export function groupNumbers(pictures: readonly Picture[]): Int32Array {
  const numbers = new Map<string, number>()
  return Int32Array.from(pictures, ({ group }) => {
    const number = numbers.get(group) ?? numbers.size
    numbers.set(group, number)
    return number
  })
}
