import { z } from 'zod'

/** What routes answer, as schemas; the stores' side makes the same types. */

const count = z.int().min(0)
const time = count.describe('ms since 1970')
const imageId = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('sha256 of the bytes')
/** What can be said of everything that JSON can say. */
const anything = z.record(z.string(), z.unknown())

/** A channel's position. */
export const channelView = z.object({
  stable: z.string(),
  generation: z.string().optional(),
  pinned: z.boolean(),
  previous: z.string().optional(),
})

/** The timeline: versions, and rounds that became none, newest first. */
export const timelineView = z.object({
  entries: z.array(
    z.discriminatedUnion('event', [
      z.object({
        event: z.literal('version'),
        version: z.string(),
        at: time,
        lineage: z.string(),
        parent: z.string().optional(),
        verdict: z.enum(['promote', 'hold', 'reject', 'baseline']),
        reason: z.string(),
        isStable: z.boolean(),
        isPrevious: z.boolean(),
        isCandidate: z.boolean(),
        isPinned: z.boolean(),
      }),
      z.object({
        event: z.literal('round'),
        round: count,
        at: time,
        lineage: z.string(),
        champion: z.string().optional(),
        verdict: z.enum(['promote', 'hold', 'reject']),
        reason: z.string(),
      }),
    ]),
  ),
})

/** One version. */
export const modelView = z.object({
  version: z.string(),
  manifestSha256: z.string(),
  at: time,
  lineage: z.string(),
  parent: z.string().optional(),
  dim: count,
  preprocessing: z.object({ hash: z.string(), settings: anything }),
  files: z.array(z.object({ path: z.string(), bytes: count, sha256: z.string() })),
  gate: anything.optional(),
  training: anything.optional(),
  served: z.array(z.object({ from: time, by: z.string(), why: z.string() })),
})

const clusterFields = {
  id: count,
  name: z.string().optional(),
  size: count,
  cohesion: z.number(),
  bornIn: count.describe('Round'),
}

/** The living clusters, largest first. */
export const clustersView = z.object({ clusters: z.array(z.object(clusterFields)) })

/** One cluster. */
export const clusterView = z.object({
  ...clusterFields,
  events: z.array(
    z.object({
      round: count,
      kind: z.enum(['birth', 'death', 'split', 'merge']),
      id: count,
      of: count.optional(),
      pictures: count,
    }),
  ),
  pictures: z.array(
    z.object({ id: imageId, source: z.string(), at: time, roundsUntrusted: count }),
  ),
})

/** What is known of one picture. */
export const pictureView = z.object({
  id: z.string(),
  where: z.string(),
  source: z.string().optional(),
  at: time.optional(),
  group: z.string().optional().describe('First of its duplicates'),
  cluster: count.optional(),
  clusterName: z.string().optional(),
  roundsUntrusted: count.optional(),
  bytes: count.optional().describe('Absent: not stored any more'),
  quarantined: z.object({ code: z.string(), why: z.string(), attempts: count }).optional(),
})

/** Records set aside, newest first. */
export const quarantineView = z.object({
  total: count,
  byCode: z.record(z.string(), count),
  entries: z.array(
    z.object({
      id: count,
      code: z.string(),
      why: z.string(),
      role: z.string(),
      attempts: count,
      lastSeen: z.string(),
      picture: z.string().optional(),
    }),
  ),
})

/** The round under way, and rounds so far, newest first. */
export const trainingView = z.object({
  underWay: z
    .object({
      round: count,
      phase: z.string(),
      step: count,
      steps: count,
      loss: z.number().optional(),
      valid: z.number().optional().describe('Share of pairs that teach something'),
      secondsLeft: z.number().optional().describe('Of its training, at the pace so far'),
      at: time,
    })
    .optional()
    .describe('Absent between rounds'),
  rounds: z.array(
    z.object({
      round: count,
      at: time,
      version: z.string().optional(),
      verdict: z.string(),
      reason: z.string(),
      figures: z.record(z.string(), z.number()),
    }),
  ),
})

/** A wish for a round that was written down; the learner follows it. */
export const roundRequestView = z.object({ request: count })

/** A wish to forget that was written down; the roles follow it. */
export const erasureView = z.object({
  id: imageId,
  again: z.boolean().describe('It was asked for before'),
})

/** What was sent again, and what could not be. */
export const replayedView = z.object({
  sent: z.array(count),
  refused: z.array(z.object({ id: count, code: z.string(), why: z.string() })),
})

export type ChannelView = z.infer<typeof channelView>
export type TimelineView = z.infer<typeof timelineView>
export type ModelView = z.infer<typeof modelView>
export type ClustersView = z.infer<typeof clustersView>
export type ClusterView = z.infer<typeof clusterView>
export type PictureView = z.infer<typeof pictureView>
export type QuarantineView = z.infer<typeof quarantineView>
export type TrainingView = z.infer<typeof trainingView>
export type RoundRequestView = z.infer<typeof roundRequestView>
export type ErasureView = z.infer<typeof erasureView>
export type ReplayedView = z.infer<typeof replayedView>
