import type { z } from 'zod'
import type { Matrix } from '../engine/matrix.ts'
import { CheckpointError } from '../errors.ts'
import {
  bufferSchema,
  clustersSchema,
  driftSchema,
  heldOutSchema,
  seenSchema,
  studentSchema,
} from './part-schemas.ts'
import type { PartArray, PartContent } from './parts.ts'
import { emptyState, type LearnerState, type RecentPicture } from './state.ts'

/** Names of the parts of a learner's checkpoint; a state field each. */
export const partNames = ['buffer', 'seen', 'heldOut', 'drift', 'clusters', 'student'] as const
/** One of {@link partNames}. */
export type PartName = (typeof partNames)[number]

/** `undefined` fields have no place in JSON. */
const json = (value: object): PartContent['json'] => JSON.parse(JSON.stringify(value))

function checked<T>(name: PartName, schema: z.ZodType<T>, content: PartContent): T {
  const result = schema.safeParse(content.json)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const where = issue?.path.join('.') ?? ''
  throw new CheckpointError(`part ${name}: expected its form, got ${where}: ${issue?.message}`)
}

/** Numbers of a part; `length` is how many its JSON promises, where it does. */
function floats(name: PartName, content: PartContent, key: string, length?: number): Float32Array {
  const array: PartArray | undefined = content.arrays[key]
  if (!(array instanceof Float32Array)) {
    throw new CheckpointError(`part ${name}: expected float32 numbers at ${key}, got none`)
  }
  if (length !== undefined && array.length !== length) {
    throw new CheckpointError(
      `part ${name}: expected ${length} numbers at ${key}, got ${array.length}`,
    )
  }
  return array
}

/** Whether a state field is worth a part: absent ones have none. */
const encoders: { readonly [Name in PartName]: (state: LearnerState) => PartContent | undefined } =
  {
    buffer: ({ buffer }) => ({
      json: json({ ...buffer, entries: [...buffer.entries.values()] }),
      arrays: {},
    }),
    seen: ({ seen }) => {
      const rows: Float32Array[] = []
      const described = ({ embedding, ...rest }: RecentPicture) =>
        embedding === undefined ? rest : { ...rest, row: rows.push(embedding) - 1 }
      const recent = [...seen.recent].map(([source, pictures]) => ({
        source,
        pictures: pictures.map(described),
      }))
      const dim = rows[0]?.length ?? 0
      const embeddings = new Float32Array(rows.length * dim)
      for (const [row, values] of rows.entries()) embeddings.set(values, row * dim)
      const groups = [...seen.groups].map(([group, known]) => ({ group, ...known }))
      const { ids, model, applied } = seen
      return {
        json: json({ ids: [...ids], recent, dim, groups, model, applied }),
        arrays: { embeddings },
      }
    },
    heldOut: ({ heldOut }) => ({ json: json(heldOut), arrays: {} }),
    drift: ({ drift }) =>
      drift && {
        json: json({
          rows: drift.centroids.rows,
          dim: drift.centroids.dim,
          expected: drift.expected,
          deviation: drift.deviation,
          threshold: drift.threshold,
          sum: drift.sum,
        }),
        arrays: { centroids: drift.centroids.data, mean: drift.mean },
      },
    clusters: ({ clusters }) => {
      if (clusters === undefined) return undefined
      const { centroids, mean, ...rest } = clusters
      const shape = { rows: centroids.rows, dim: centroids.dim }
      return { json: json({ ...rest, ...shape }), arrays: { centroids: centroids.data, mean } }
    },
    student: ({ student }) => {
      if (student === undefined) return undefined
      const { weights, first, second, optimizerStep, architecture } = student
      const named = Object.fromEntries(weights.map((values, i) => [`weight-${i}`, values]))
      return {
        json: { weights: weights.length, optimizerStep, architecture },
        arrays: { ...named, first, second },
      }
    },
  }

const matrix = (rows: number, dim: number, data: Float32Array): Matrix => ({ rows, dim, data })

const decoders: {
  readonly [Name in PartName]: (content: PartContent) => LearnerState[Name]
} = {
  buffer: (content) => {
    const { entries, ...rest } = checked('buffer', bufferSchema, content)
    const full = entries.map((entry) => ({ ...entry, identity: entry.identity }))
    return { ...rest, entries: new Map(full.map((entry) => [entry.id, entry])) }
  },
  seen: (content) => {
    const { ids, recent, dim, groups, model, applied } = checked('seen', seenSchema, content)
    const embedded = recent.flatMap(({ pictures }) => pictures.flatMap(({ row }) => row ?? []))
    const embeddings = floats('seen', content, 'embeddings', embedded.length * dim)
    const restored = ({
      row,
      ...rest
    }: {
      id: string
      group: string
      fingerprint: string
      row?: number
    }) => ({
      ...rest,
      embedding: row === undefined ? undefined : embeddings.slice(row * dim, (row + 1) * dim),
    })
    return {
      ids: new Set(ids),
      recent: new Map(recent.map(({ source, pictures }) => [source, pictures.map(restored)])),
      groups: new Map(groups.map(({ group, ...known }) => [group, known])),
      model,
      applied,
    }
  },
  heldOut: (content) => checked('heldOut', heldOutSchema, content),
  drift: (content) => {
    const { rows, dim, ...rest } = checked('drift', driftSchema, content)
    const centroids = matrix(rows, dim, floats('drift', content, 'centroids', rows * dim))
    return { ...rest, centroids, mean: floats('drift', content, 'mean', dim) }
  },
  clusters: (content) => {
    const { rows, dim, events, ...rest } = checked('clusters', clustersSchema, content)
    const centroids = matrix(rows, dim, floats('clusters', content, 'centroids', rows * dim))
    const mean = floats('clusters', content, 'mean', dim)
    return { ...rest, centroids, mean, events: events.map((event) => ({ ...event, of: event.of })) }
  },
  student: (content) => {
    const { weights, ...rest } = checked('student', studentSchema, content)
    return {
      ...rest,
      weights: Array.from({ length: weights }, (_, i) => floats('student', content, `weight-${i}`)),
      first: floats('student', content, 'first'),
      second: floats('student', content, 'second'),
    }
  },
}

/** The part that keeps one field of the state; undefined where the field is. */
export function partOf(state: LearnerState, name: PartName): PartContent | undefined {
  return encoders[name](state)
}

/**
 * The state that parts keep; fields without a part are as in a learner that has seen nothing.
 *
 * @throws {@link CheckpointError} if a part has not its form.
 */
export function stateOf(parts: Readonly<Record<string, PartContent>>): LearnerState {
  const fields = partNames.map((name) => {
    const content = parts[name]
    return [name, content === undefined ? emptyState[name] : decoders[name](content)]
  })
  return Object.fromEntries(fields) as LearnerState
}
