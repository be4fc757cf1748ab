import type { Generation, GenerationSource } from './generation.ts'

/** Where a generation stands that has not entered a partition. */
export interface Entrance {
  readonly partition: string
  /** First record that it gets, and first place in the topic of vectors, if no other one knows. */
  readonly next: number
  readonly follow: number
}

/**
 * The generation after it has taken over what another one knows of a partition: the blocks, and
 * the sources that the other one has not embedded yet, become its sources, and it goes on in the
 * log where the other one stands.
 *
 * So begins a new generation, and so does an old one catch up that `stable` was moved back to.
 *
 * @param other - The generation that has come furthest in the partition; absent if none has.
 * @returns `undefined` if it stands there already, or further.
 */
export function entered(
  generation: Generation,
  other: Generation | undefined,
  { partition, next, follow }: Entrance,
): Generation | undefined {
  const present = generation.next[partition]
  const goal = other?.next[partition] ?? present ?? next
  const place = other?.follow[partition] ?? follow
  if (present !== undefined && present >= goal) return undefined
  const known = new Set([
    ...generation.sources.map(({ digest }) => digest),
    ...generation.blocks.map(({ digest }) => digest),
  ])
  // What was made from our own block holds nothing new.
  const made = (other?.blocks ?? []).filter(
    ({ source }) => source === undefined || !known.has(source),
  )
  const open = (other?.sources ?? []).filter(({ done }) => done === undefined)
  const sources = [...made, ...open]
    .filter((one) => one.partition === partition && !known.has(one.digest))
    .map(({ digest, rows }): GenerationSource => ({ digest, rows, partition }))
  return {
    ...generation,
    sources: [...generation.sources, ...sources],
    next: { ...generation.next, [partition]: goal },
    follow: { ...generation.follow, [partition]: place },
  }
}

/** The generation that has come furthest in a partition; of equals the newest. */
export function furthest(all: readonly Generation[], partition: string): Generation | undefined {
  const there = all.filter(({ next }) => next[partition] !== undefined)
  return there
    .toSorted(
      (a, b) => (a.next[partition] as number) - (b.next[partition] as number) || a.at - b.at,
    )
    .at(-1)
}
