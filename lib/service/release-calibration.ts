import type { LogisticCurve } from '../metric/calibration.ts'
import type { Registry } from '../registry/registry.ts'

/**
 * How cosines of a version become probabilities of the same kind.
 *
 * @returns `undefined` where it was not fitted: of a baseline no two pictures are known to be alike.
 */
export async function releaseCalibration(
  registry: Registry,
  version: string,
): Promise<LogisticCurve | undefined> {
  const entry = await registry.versions.resolve(version)
  const { alpha, beta } = (entry && (await registry.manifest(entry.manifest)).calibration) ?? {}
  return typeof alpha === 'number' && typeof beta === 'number' ? { alpha, beta } : undefined
}
