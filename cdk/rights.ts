import type { TopicNames } from '../lib/stream/topics.ts'

/** A topic of the pipeline, by what it carries. */
export type Topic = keyof TopicNames

/** What one role may do in Kafka and in the data bucket. */
export interface Rights {
  /** Topics it reads. */
  readonly consumes: readonly Topic[]
  /** Topics it writes. */
  readonly produces: readonly Topic[]
  /** Whether it makes the topics that are missing. */
  readonly makesTopics: boolean
  /** Keys it reads, below `<name>/`; a folder ends with `/`. */
  readonly reads: readonly string[]
  /** Keys it writes, likewise. */
  readonly writes: readonly string[]
  /** Keys it deletes, likewise. */
  readonly deletes: readonly string[]
}

const nothing: Rights = {
  consumes: [],
  produces: [],
  makesTopics: false,
  reads: [],
  writes: [],
  deletes: [],
}
const everything = ['blobs/', 'kept/', 'docs/']
/** Keeping a picture copies it to where nothing expires. */
const pictures = ['blobs/pictures/', 'kept/']

/** Who may do what (`stream.md` §12): every policy of the templates is made from this table. */
export const roleRights = {
  ingest: {
    ...nothing,
    produces: ['unlabeled', 'dead'],
    reads: ['blobs/pictures/', 'docs/erased/'],
    writes: ['blobs/pictures/'],
  },
  embed: {
    consumes: ['unlabeled', 'published'],
    produces: ['embedded', 'dead', 'published'],
    makesTopics: true,
    reads: everything,
    writes: [
      ...pictures,
      'blobs/index/',
      'blobs/quarantine/',
      'docs/generations/',
      'docs/channels/stable.json',
      'docs/audit/stable/',
      'docs/erased/',
    ],
    deletes: [],
  },
  learn: {
    consumes: ['unlabeled'],
    produces: ['dead', 'published'],
    makesTopics: true,
    reads: everything,
    writes: [
      ...pictures,
      'blobs/state/',
      'blobs/models/',
      'blobs/quarantine/',
      'docs/pipeline.json',
      'docs/lease/',
      'docs/checkpoint/',
      'docs/versions/',
      'docs/channels/',
      'docs/audit/',
      'docs/requests/',
      'docs/progress/',
      'docs/erased/',
    ],
    deletes: [],
  },
  serve: { ...nothing, consumes: ['embedded', 'published'], reads: everything },
  infer: { ...nothing, reads: everything },
  modelPublished: {
    ...nothing,
    consumes: ['published'],
    produces: ['dead'],
    reads: ['blobs/models/'],
  },
  collect: {
    ...nothing,
    reads: everything,
    writes: ['docs/lease/gc.json', 'docs/erased/'],
    deletes: everything,
  },
  operator: {
    ...nothing,
    produces: ['unlabeled', 'published'],
    reads: everything,
    writes: [
      'docs/channels/',
      'docs/audit/',
      'docs/requests/',
      'docs/names/',
      'docs/tokens/',
      'docs/erased/',
    ],
  },
} as const satisfies Record<string, Rights>

/** Somebody with rights of their own. */
export type RoleName = keyof typeof roleRights
