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

/**
 * What the topics must look like.
 *
 * @param partitions - Of the input and, alike, of the vectors made from it. The rest have one.
 * @param maxRecordBytes - Largest raw picture that may be a record.
 */
export function pipelineTopics(
  partitions = 1,
  maxRecordBytes: number = 1024 * 1024,
  names: TopicNames = topicNames,
): readonly TopicSpec[] {
  const small = 64 * 1024 // a vector of 8,192 floats would be 32 KiB
  return [
    { name: names.unlabeled, partitions, policy: 'delete', maxBytes: maxRecordBytes },
    { name: names.embedded, partitions, policy: 'delete', maxBytes: small },
    { name: names.dead, partitions: 1, policy: 'delete', maxBytes: small },
    { name: names.published, partitions: 1, policy: 'compact', maxBytes: small },
  ]
}
