import { clusterNames, nameCluster } from '../service/cluster-names.ts'
import { clusterMembers, findCluster } from '../service/find-cluster.ts'
import { readState } from '../service/read-state.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { textTable, timeText } from './text-table.ts'
import { withPipeline } from './with-pipeline.ts'

type Args = readonly (string | readonly string[])[]

/** `contrastream clusters list` */
export async function clustersList(_: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('clusters list', options)
  await withPipeline(config, async (pipeline) => {
    const { state } = await readState(pipeline)
    const names = await clusterNames(pipeline.documents, state)
    const known = [...(state.clusters?.known ?? [])].sort((a, b) => b.size - a.size)
    if (known.length === 0) return output.note('no clusters yet: a round that is judged makes them')
    if (output.isJson) {
      for (const cluster of known) {
        output.result({ event: 'cluster', ...cluster, name: names.get(cluster.identity) }, '')
      }
      return
    }
    const rows = known.map(({ identity, size, cohesion, bornIn }) => [
      String(identity),
      String(size),
      cohesion.toFixed(3),
      String(bornIn),
      names.get(identity) ?? '',
    ])
    const head = ['id', 'pictures', 'cohesion', 'born in round', 'name']
    output.result({}, textTable([head, ...rows]))
  })
}

/** `contrastream clusters show` */
export async function clustersShow([id]: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('clusters show', options)
  await withPipeline(config, async (pipeline) => {
    const { state } = await readState(pipeline)
    const cluster = findCluster(state, String(id))
    const { identity, size, cohesion, bornIn } = cluster
    const name = (await clusterNames(pipeline.documents, state)).get(identity)
    const events = (state.clusters?.events ?? []).filter(
      (event) => event.identity === identity || event.of === identity,
    )
    const pictures = clusterMembers(state, identity)
    output.result({ event: 'cluster', ...cluster, name, events, pictures }, () =>
      [
        `cluster ${identity}${name === undefined ? '' : ` · ${name}`}`,
        `${size} pictures, those that joined since the last round included, ${pictures.length} buffered now · cohesion ${cohesion.toFixed(3)} · born in round ${bornIn}`,
        ...events.map(
          ({ round, kind, identity: who, of }) =>
            `round ${round}: ${kind} of ${who}${of === undefined ? '' : `, with ${of}`}`,
        ),
        textTable([
          ['picture', 'source', 'taken', 'rounds untrusted'],
          ...pictures.map(({ id: picture, source, at, untrusted }) => [
            picture,
            source,
            timeText(at),
            String(untrusted),
          ]),
        ]),
      ].join('\n'),
    )
  })
}

/** `contrastream clusters name` */
export async function clustersName([id, text]: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('clusters name', options)
  await withPipeline(config, async (pipeline) => {
    const { state } = await readState(pipeline)
    const { identity } = findCluster(state, String(id))
    await nameCluster(pipeline.documents, identity, String(text))
    const name = String(text).trim()
    output.result({ event: 'named', identity, name }, `cluster ${identity} is ${name}`)
  })
}
