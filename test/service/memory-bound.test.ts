import { describe, expect, it } from 'vitest'
import { type ConfigInput, configSchema } from '../../lib/config/schema.ts'
import { memoryBound } from '../../lib/service/memory-bound.ts'

const bound = (config: ConfigInput) =>
  memoryBound(configSchema.parse(config)).reduce((sum, { bytes }) => sum + bytes, 0)

describe('memoryBound', () => {
  it('grows with what the settings allow, and names the part', () => {
    const small = bound({ limits: { decoders: 1 } })
    expect(bound({ limits: { decoders: 2 } }) - small).toBe(512 * 2 ** 20)
    const wide = bound({ limits: { decoders: 1 }, learn: { batch: { clusters: 30 } } })
    expect(wide - small).toBe(15 * 8 * 96 * 96 * 3 * 1024)
    const parts = memoryBound(configSchema.parse({}))
    expect(parts.map(({ what }) => what)).toContain('decoder processes')
    expect(parts.every(({ bytes }) => bytes > 0)).toBe(true)
  })

  it('counts a buffered picture by its embedding, as wide as the backbone makes it', () => {
    const conv4 = { model: { backbone: 'conv4' }, image: { channels: 'grey' as const } }
    const [few, many] = [10_000, 20_000].map((capacity) =>
      bound({ ...conv4, learn: { k: 100, buffer: { capacity } } }),
    ) as [number, number]
    expect(many - few).toBe(10_000 * (4 * 784 * 4 + 640))
  })
})
