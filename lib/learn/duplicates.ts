import { lookAlike } from '../image/fingerprint.ts'
import type { RecentPicture, SeenState } from './state.ts'

/** Settings of the search for repeats. */
export interface DuplicateOptions {
  /** Image ids that are remembered against repeats. Default 200,000. */
  readonly remembered?: number
  /** Pictures of the same source that a new one is compared with. Default 2,000. */
  readonly window?: number
  /** Largest Hamming distance of two difference hashes of near-duplicates, 0–64. Default 4. */
  readonly maxHamming?: number
  /** Smallest cosine of two near-duplicates in a centred space, 0–1. Default .97. */
  readonly minCosine?: number
}

/** Defaults: `method.md` §7. */
export const defaultDuplicateOptions: Required<DuplicateOptions> = {
  remembered: 200_000,
  window: 2_000,
  maxHamming: 4,
  minCosine: 0.97,
}

/** What is remembered of a picture's id. */
export const seenKey = (id: string): string => id.slice(0, 32)

/** Whether these very bytes were applied before. */
export function wasSeen(seen: Pick<SeenState, 'ids'>, id: string): boolean {
  return seen.ids.has(seenKey(id))
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number)
  return sum
}

/**
 * The duplicate group that a new picture belongs to: that of its first near-duplicate among the
 * recent pictures of its source, or its own.
 *
 * @param embedding - Centred embedding by `seen.model`, shape [dim], unit norm; absent: hash only.
 * @returns Image id of the group's first picture.
 */
export function duplicateGroup(
  seen: Pick<SeenState, 'recent'>,
  picture: { readonly id: string; readonly source: string; readonly fingerprint: string },
  embedding: Float32Array | undefined,
  options: Required<DuplicateOptions>,
): string {
  const isNear = (other: RecentPicture): boolean =>
    lookAlike(other.fingerprint, picture.fingerprint, options.maxHamming) ||
    (embedding !== undefined &&
      other.embedding?.length === embedding.length &&
      dot(other.embedding, embedding) >= options.minCosine)
  return seen.recent.get(picture.source)?.findLast(isNear)?.group ?? picture.id
}

/** What has been seen, being changed; a batch copies it once. */
export interface SeenDraft {
  readonly ids: Set<string>
  readonly recent: Map<string, RecentPicture[]>
  readonly groups: Map<string, { readonly pictures: number; readonly heldOut: boolean }>
  readonly model: string | undefined
  applied: number
}

/**
 * Starts a change.
 *
 * @param model - Digest of the model whose embeddings will be compared; embeddings of another one
 *   are forgotten, so that only hashes find those pictures again.
 */
export function draftOfSeen(seen: SeenState, model: string): SeenDraft {
  const known = (item: RecentPicture): RecentPicture =>
    seen.model === model ? item : { ...item, embedding: undefined }
  return {
    ids: new Set(seen.ids),
    recent: new Map([...seen.recent].map(([source, items]) => [source, items.map(known)])),
    groups: new Map(seen.groups),
    model,
    applied: seen.applied,
  }
}

/**
 * Remembers one applied picture, and forgets what leaves the windows.
 *
 * @param heldOut - Whether the picture's group is held out of training.
 */
export function remember(
  draft: SeenDraft,
  source: string,
  picture: RecentPicture,
  heldOut: boolean,
  options: Required<DuplicateOptions>,
): void {
  draft.applied += 1
  draft.ids.add(seenKey(picture.id))
  for (const id of draft.ids) {
    if (draft.ids.size <= options.remembered) break
    draft.ids.delete(id)
  }
  const known = draft.groups.get(picture.group)
  draft.groups.set(picture.group, { pictures: (known?.pictures ?? 0) + 1, heldOut })
  const items = draft.recent.get(source) ?? []
  draft.recent.set(source, items)
  items.push(picture)
  if (items.length <= options.window) return
  const left = items.shift()
  const isShown = items.some((other) => other.group === left?.group)
  if (left !== undefined && !isShown) draft.groups.delete(left.group)
}
