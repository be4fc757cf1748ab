import { describe, expect, it } from 'vitest'
import { pipelineTopics } from '../../lib/stream/topics.ts'

describe('pipelineTopics', () => {
  const specOf = (name: string) => pipelineTopics(6, 8_000_000).find((spec) => spec.name === name)

  it('gives the vectors as many partitions as the pictures they come from', () => {
    expect(specOf('images.embedded')?.partitions).toBe(specOf('images.unlabeled')?.partitions)
  })

  it('takes records as large as configured where pictures come in, and only there', () => {
    const sizes = pipelineTopics(1, 8_000_000).filter(({ maxBytes }) => maxBytes === 8_000_000)
    expect(sizes.map(({ name }) => name)).toEqual(['images.unlabeled'])
  })

  it('keeps the last hint of each channel for ever', () => {
    expect(specOf('models.published')?.policy).toBe('compact')
  })
})
