import { VersionMismatchError } from '../errors.ts'
import type { Stamp } from './types.ts'

/** Whether vectors of both stamps may be compared. */
export function isSameStamp(a: Stamp, b: Stamp): boolean {
  return a.version === b.version && a.preprocessingHash === b.preprocessingHash
}

/**
 * Checks that vectors were made with the model and the preprocessing that others were made with:
 * compared all the same, they would rank badly and nobody would notice.
 *
 * @param where - What they come to, for the message.
 * @throws {@link VersionMismatchError} if they were not.
 */
export function expectStamp(where: string, expected: Stamp, got: Stamp): void {
  if (isSameStamp(expected, got)) return
  throw new VersionMismatchError(
    `${where}: expected vectors of ${written(expected)}, got those of ${written(got)}; embed the picture again`,
  )
}

const written = ({ version, preprocessingHash }: Stamp): string =>
  `${version} and preprocessing ${preprocessingHash}`
