import type { TopicSpec } from './types.ts'

/** The topics that every pipeline has, by what they carry. */
export interface TopicNames {
  readonly unlabeled: string
  readonly embedded: string
  readonly dead: string
  readonly published: string
}

/** Their names where nothing else is configured. */
export const topicNames: TopicNames = {
  unlabeled: 'images.unlabeled',
  embedded: 'images.embedded',
  dead: 'images.dead',
  published: 'models.published',
}

const dayMs = 24 * 3_600_000
/** Records set aside stay so long at least, and their bytes. */
export const quarantineMs: number = 30 * dayMs

/**
 * What the topics must look like.
 *
 * @param partitions - Of the input and, alike, of the vectors made from it. The rest have one.
 * @param maxRecordBytes - Largest raw picture that may be a record.
 * @param retentionMs - How long records stay. Default 7 days.
 */
export function pipelineTopics(
  partitions = 1,
  maxRecordBytes: number = 1024 * 1024,
  retentionMs: number = 7 * dayMs,
): readonly TopicSpec[] {
  const { unlabeled, embedded, dead, published } = topicNames
  const small = 64 * 1024 // a vector of 8,192 floats would be 32 KiB
  const flowing = { partitions, policy: 'delete', retentionMs } as const
  return [
    { ...flowing, name: unlabeled, maxBytes: maxRecordBytes },
    { ...flowing, name: embedded, maxBytes: small },
    {
      ...{ ...flowing, partitions: 1, retentionMs: Math.max(quarantineMs, retentionMs) },
      ...{ name: dead, maxBytes: small },
    },
    { name: published, partitions: 1, policy: 'compact', maxBytes: small },
  ]
}
