import { heldOutPictures } from '../learn/held-out.ts'
import type { LearnerState } from '../learn/state.ts'
import type { Manifest } from '../registry/manifest.ts'
import type { Registry } from '../registry/registry.ts'

/**
 * Versions that a picture may have been trained into, oldest first: those that rounds made since
 * it was taken, as long as nothing shows that it was in none.
 *
 * @param state - The learner's, from before the picture is forgotten; absent: nothing is known.
 */
export async function trainedVersions(
  registry: Registry,
  state: LearnerState | undefined,
  ids: Iterable<string>,
): Promise<readonly string[]> {
  const heldOut = new Set(state && heldOutPictures(state.heldOut).map(({ id }) => id))
  /** Since when one may have been trained with, ms since 1970. */
  const since = (id: string): number => {
    if (heldOut.has(id)) return Number.POSITIVE_INFINITY // judged with, never trained with
    const entry = state?.buffer.entries.get(id)
    if (state === undefined || entry === undefined) return 0
    return entry.arrival >= state.buffer.freshFrom ? Number.POSITIVE_INFINITY : entry.at
  }
  let first = Number.POSITIVE_INFINITY
  for (const id of ids) first = Math.min(first, since(id))
  const found: { readonly version: string; readonly manifest: Manifest }[] = []
  for (const { version, manifest } of await registry.versions.list()) {
    found.push({ version, manifest: await registry.manifest(manifest) })
  }
  return found
    .filter(({ manifest }) => manifest.gate !== undefined && manifest.at >= first)
    .map(({ version }) => version)
    .reverse()
}
