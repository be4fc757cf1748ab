import type { Config } from '../config/schema.ts'
import type { ImageLimits } from '../image/options.ts'

/** What a picture must keep to. */
export function limitsOf(config: Config): ImageLimits {
  const { bytes, pixels, minSide, decodeTimeout } = config.limits
  return { bytes, pixels, minSide, formats: config.image.formats, timeoutMs: decodeTimeout }
}
