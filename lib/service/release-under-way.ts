import type { Registry } from '../registry/registry.ts'
import { generations } from '../search/generations.ts'

/**
 * Whether `embed` is about to move `stable` to what `candidate` names. A round that began now
 * would compare with a champion that is on its way out, and its own candidate would come to nothing.
 *
 * @param promotion - With `manual` nobody knows when: then nothing waits for it.
 */
export async function isReleaseUnderWay(
  { stable, candidate, documents, manifest }: Registry,
  promotion: 'auto' | 'manual',
): Promise<boolean> {
  const [now, next] = await Promise.all([stable.read(), candidate.read()])
  if (now === undefined || next === undefined || next.version === now.version) return false
  if (now.pinned || (promotion === 'manual' && !next.approved)) return false
  const { gate } = await manifest(next.manifest)
  if (gate?.champion !== now.version) return false
  const attempts = await generations(documents).list(next.version)
  return attempts.at(-1)?.state !== 'failed'
}
