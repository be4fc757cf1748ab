import { MissingError } from '../errors.ts'
import { readState } from '../service/read-state.ts'
import type { DocumentStore } from '../store/types.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { withPipeline } from './with-pipeline.ts'

type Args = readonly (string | readonly string[])[]

/** Name that a person gave a cluster, if any. */
export async function clusterName(
  documents: DocumentStore,
  identity: number,
): Promise<string | undefined> {
  const found = await documents.read(`names/${identity}`)
  const name = found === undefined || found === 'unchanged' ? undefined : found.value['name']
  return typeof name === 'string' ? name : undefined
}

/** `contrastream clusters list` */
export function clustersList(_: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('clusters list', options)
  return withPipeline(config, async (pipeline) => {
    const { state } = await readState(pipeline)
    const known = [...(state.clusters?.known ?? [])].sort((a, b) => b.size - a.size)
    if (known.length === 0) output.note('no clusters yet: they come with the first round')
    for (const cluster of known) {
      const name = await clusterName(pipeline.documents, cluster.identity)
      output.result(
        { event: 'cluster', ...cluster, name },
        `${String(cluster.identity).padStart(5)}  ${String(cluster.size).padStart(5)} pictures · cohesion ${cluster.cohesion.toFixed(2)} · since round ${cluster.bornIn}${name === undefined ? '' : ` · ${name}`}`,
      )
    }
  })
}

/** `contrastream clusters show` */
export function clustersShow([id]: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('clusters show', options)
  return withPipeline(config, async (pipeline) => {
    const { state } = await readState(pipeline)
    const identity = Number(id)
    const cluster = state.clusters?.known.find((one) => one.identity === identity)
    if (cluster === undefined)
      throw new MissingError(`clusters: expected a cluster ${id}, got none`)
    const name = await clusterName(pipeline.documents, identity)
    const entries = [...state.buffer.entries.values()].filter((one) => one.identity === identity)
    const events = state.clusters?.events.filter((one) => one.identity === identity) ?? []
    const pictures = entries.map((one) => ({
      id: one.id,
      source: one.source,
      untrusted: one.untrusted,
    }))
    output.result({ event: 'cluster', ...cluster, name, pictures, events }, () =>
      [
        `cluster ${identity}${name === undefined ? '' : ` (${name})`}: ${cluster.size} pictures, cohesion ${cluster.cohesion.toFixed(2)}, since round ${cluster.bornIn}`,
        ...events.map((one) => `  round ${one.round}: ${one.kind}, ${one.pictures} pictures`),
        ...pictures.map((one) => `  ${one.id}  ${one.source}`),
      ].join('\n'),
    )
  })
}

/** `contrastream clusters name`: the name belongs to the identity, and survives rounds. */
export function clustersName([id, text]: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('clusters name', options)
  return withPipeline(config, async (pipeline) => {
    const { state } = await readState(pipeline)
    const identity = Number(id)
    if (state.clusters?.known.every((one) => one.identity !== identity) ?? true) {
      throw new MissingError(`clusters: expected a cluster ${id}, got none`)
    }
    const key = `names/${identity}`
    const value = { format: 1, name: String(text) }
    const { documents } = pipeline
    let write = await documents.create(key, value)
    while (!write.ok && write.current !== undefined) {
      write = await documents.swap(key, value, write.current.tag)
    }
    output.result({ event: 'named', identity, name: String(text) }, `cluster ${identity} = ${text}`)
  })
}
