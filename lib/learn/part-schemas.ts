import { z } from 'zod'

const id = z.string().min(1)
const picture = z.strictObject({ id, source: z.string(), at: z.number(), group: id })

/** What part `buffer` holds besides numbers. */
export const bufferSchema = z.strictObject({
  entries: z.array(
    picture.extend({
      arrival: z.int().min(0),
      half: z.enum(['recent', 'reservoir']),
      untrusted: z.int().min(0),
      identity: z.int().exactOptional(),
    }),
  ),
  arrivals: z.int().min(0),
  offered: z.int().min(0),
  freshFrom: z.int().min(0),
  rejected: z.record(z.string(), z.int()),
})

/** What part `seen` holds besides numbers. */
export const seenSchema = z.strictObject({
  ids: z.array(z.string()),
  recent: z.array(
    z.strictObject({
      source: z.string(),
      pictures: z.array(
        z.strictObject({
          id,
          group: id,
          fingerprint: z.string(),
          row: z.int().min(0).exactOptional(),
        }),
      ),
    }),
  ),
  dim: z.int().min(0),
  groups: z.array(z.strictObject({ group: id, pictures: z.int(), heldOut: z.boolean() })),
  model: z.string().exactOptional(),
  applied: z.int().min(0),
})

/** What part `heldOut` holds besides numbers. */
export const heldOutSchema = z.strictObject({
  a: z.array(picture),
  b: z.array(picture),
  monitor: z.array(picture),
})

/** What part `drift` holds besides numbers. */
export const driftSchema = z.strictObject({
  rows: z.int().min(1),
  dim: z.int().min(1),
  expected: z.number(),
  deviation: z.number(),
  threshold: z.number(),
  sum: z.number(),
})

/** What part `clusters` holds besides numbers. */
export const clustersSchema = z.strictObject({
  k: z.int(),
  chosenAt: z.int(),
  nextIdentity: z.int(),
  known: z.array(
    z.strictObject({
      identity: z.int(),
      bornIn: z.int(),
      size: z.int(),
      weight: z.number().min(0).exactOptional(),
      cohesion: z.number(),
    }),
  ),
  model: z.string(),
  rows: z.int(),
  dim: z.int(),
  events: z.array(
    z.strictObject({
      round: z.int(),
      kind: z.enum(['birth', 'death', 'split', 'merge']),
      identity: z.int(),
      of: z.int().exactOptional(),
      pictures: z.int(),
    }),
  ),
})

/** What part `student` holds besides numbers. */
export const studentSchema = z.strictObject({
  weights: z.int().min(0),
  optimizerStep: z.int().min(0),
  architecture: z.string(),
})
