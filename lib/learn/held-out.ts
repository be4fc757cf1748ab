import { randomStream } from '../engine/random.ts'
import type { HeldOutState, Picture } from './state.ts'

/** Sizes of the held-out sets. */
export interface HeldOutOptions {
  /** Pictures each of probe A, probe B and the monitor set takes first. Default 100. */
  readonly firstFill?: number
  /** Pictures each of them holds. Default 500. */
  readonly fill?: number
  /** Pictures that probe A holds at most, from what B pushes out. Default 2,000. */
  readonly maxProbeA?: number
}

/** Defaults: `method.md` §7. */
export const defaultHeldOutOptions: Required<HeldOutOptions> = {
  firstFill: 100,
  fill: 500,
  maxProbeA: 2_000,
}

const total = (sets: HeldOutState): number => sets.a.length + sets.b.length + sets.monitor.length

/** Share of duplicate groups that is held out now, 0–1. */
export function heldOutShare(sets: HeldOutState, options: Required<HeldOutOptions>): number {
  if (total(sets) < options.firstFill) return 0.2
  const isFull = [sets.a, sets.b, sets.monitor].every((set) => set.length >= options.fill)
  return isFull ? 0.02 : 0.1
}

/** Whether a duplicate group is held out: decided by its name alone at a given share. */
export function isHeldOut(group: string, share: number, seed: number): boolean {
  return randomStream(seed, 'held-out', group).uniform() < share
}

/** The set that the next picture goes to: the emptiest, filled to 100 and then to 500 in turn. */
function nextSet(sets: HeldOutState, options: Required<HeldOutOptions>): 'a' | 'b' | 'monitor' {
  const names = ['a', 'b', 'monitor'] as const
  const first = names.find((name) => sets[name].length < options.firstFill)
  if (first !== undefined) return first
  const smallest = Math.min(...names.map((name) => sets[name].length))
  if (smallest >= options.fill) return 'b'
  return names.find((name) => sets[name].length === smallest) ?? 'b'
}

/**
 * Adds a picture to the held-out sets.
 *
 * Once all are full, probe B is a sliding window of the newest; what it pushes out moves to probe A
 * until that holds its maximum.
 *
 * @returns The sets, and the picture that left them, if any.
 */
export function holdOut(
  sets: HeldOutState,
  picture: Picture,
  options: Required<HeldOutOptions>,
): { readonly sets: HeldOutState; readonly dropped: Picture | undefined } {
  const name = nextSet(sets, options)
  const added = { ...sets, [name]: [...sets[name], picture] }
  if (name !== 'b' || added.b.length <= options.fill) return { sets: added, dropped: undefined }
  const [pushed, ...b] = added.b
  if (pushed === undefined || sets.a.length >= options.maxProbeA) {
    return { sets: { ...added, b }, dropped: pushed }
  }
  return { sets: { ...added, b, a: [...sets.a, pushed] }, dropped: undefined }
}

/** Every held-out picture. */
export function heldOutPictures(sets: HeldOutState): readonly Picture[] {
  return [...sets.a, ...sets.b, ...sets.monitor]
}
