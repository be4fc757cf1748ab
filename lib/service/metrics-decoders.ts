import { PipelineError } from '../errors.ts'
import { type DecoderOptions, type Decoders, decoders } from './decoders.ts'
import type { Metrics } from './metrics.ts'

/** `decoders`, with their pictures counted and timed. */
export function measuredDecoders(options: DecoderOptions, metrics: Metrics): Decoders {
  const pool = decoders({
    ...options,
    onReplaced: () => metrics.count('decoder_restarts_total', {}),
  })
  return {
    ...pool,
    decode: async (bytes, preprocessing) => {
      const begun = performance.now()
      try {
        const image = await pool.decode(bytes, preprocessing)
        metrics.count('decode_total', { outcome: 'decoded', reason: '' })
        return image
      } catch (error) {
        const reason = error instanceof PipelineError ? error.code : 'INTERNAL'
        metrics.count('decode_total', { outcome: 'refused', reason })
        throw error
      } finally {
        metrics.observe('decode_seconds', {}, (performance.now() - begun) / 1_000)
      }
    },
  }
}
