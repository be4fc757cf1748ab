import type { ServingRelease } from '../serving-release.ts'

/** Headers that say what an answer was made with. */
export function stampHeaders(
  release: Pick<ServingRelease, 'version' | 'preprocessingHash' | 'generation'>,
): Readonly<Record<string, string>> {
  return {
    'x-contrastream-model': release.version,
    'x-contrastream-preprocessing': release.preprocessingHash,
    ...(release.generation !== undefined && { 'x-contrastream-generation': release.generation }),
  }
}
