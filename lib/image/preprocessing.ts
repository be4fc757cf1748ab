import { ConfigError } from '../errors.ts'
import type { Preprocessing } from './options.ts'

/** Channels of a decoded picture. */
export function channelCount(preprocessing: Pick<Preprocessing, 'channels'>): 1 | 3 {
  return preprocessing.channels === 'rgb' ? 3 : 1
}

/** Bytes of one decoded picture. */
export function pixelBytes(preprocessing: Pick<Preprocessing, 'channels' | 'size'>): number {
  return preprocessing.size * preprocessing.size * channelCount(preprocessing)
}

/**
 * Checks settings that did not come through `config/schema`.
 *
 * @throws {@link ConfigError} if the side is no integer of 16–1024, the background no `#rrggbb`,
 * or `mean` and `std` are not one finite number a channel, `std` above 0.
 */
export function expectPreprocessing(where: string, preprocessing: Preprocessing): void {
  const { size, background, mean, std } = preprocessing
  const channels = channelCount(preprocessing)
  if (!Number.isInteger(size) || size < 16 || size > 1024) {
    throw new ConfigError(`${where}: expected a size of 16 to 1024, got ${size}`)
  }
  if (!/^#[0-9a-f]{6}$/i.test(background)) {
    throw new ConfigError(`${where}: expected a background #rrggbb, got ${background}`)
  }
  if (mean.length !== channels || !mean.every(Number.isFinite)) {
    throw new ConfigError(`${where}: expected ${channels} finite means, got [${mean.join(', ')}]`)
  }
  if (std.length !== channels || !std.every((value) => Number.isFinite(value) && value > 0)) {
    throw new ConfigError(`${where}: expected ${channels} divisors > 0, got [${std.join(', ')}]`)
  }
}
