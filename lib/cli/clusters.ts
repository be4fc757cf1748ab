import { MissingError } from '../errors.ts'
import type { BufferEntry, KnownCluster, LearnerState } from '../learn/state.ts'
import { clusterNames, nameCluster } from '../service/cluster-names.ts'
import { readState } from '../service/read-state.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { textTable, timeText } from './text-table.ts'
import { withPipeline } from './with-pipeline.ts'

type Args = readonly (string | readonly string[])[]

const membersOf = ({ buffer }: LearnerState, identity: number): readonly BufferEntry[] =>
  [...buffer.entries.values()].filter((entry) => entry.identity === identity)

/** The living cluster with that identity. @throws {@link MissingError} if there is none. */
function clusterOf({ clusters }: LearnerState, id: string): KnownCluster {
  const found = clusters?.known.find(({ identity }) => String(identity) === id)
  if (found !== undefined) return found
  const event = clusters?.events.findLast(
    ({ identity, kind }) => String(identity) === id && (kind === 'death' || kind === 'merge'),
  )
  const got = event === undefined ? id : `${id}, gone since round ${event.round} (${event.kind})`
  throw new MissingError(
    `clusters: expected one of the ${clusters?.known.length ?? 0} living clusters, got ${got}`,
  )
}

/** `contrastream clusters list` */
export async function clustersList(_: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('clusters list', options)
  await withPipeline(config, async (pipeline) => {
    const { state } = await readState(pipeline)
    const names = await clusterNames(pipeline.documents)
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
    const cluster = clusterOf(state, String(id))
    const { identity, size, cohesion, bornIn } = cluster
    const name = (await clusterNames(pipeline.documents)).get(identity)
    const events = (state.clusters?.events ?? []).filter(
      (event) => event.identity === identity || event.of === identity,
    )
    const pictures = membersOf(state, identity)
    output.result({ event: 'cluster', ...cluster, name, events, pictures }, () =>
      [
        `cluster ${identity}${name === undefined ? '' : ` · ${name}`}`,
        `${size} pictures in the last clustering, ${pictures.length} of them buffered now · cohesion ${cohesion.toFixed(3)} · born in round ${bornIn}`,
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
    const { identity } = clusterOf(state, String(id))
    await nameCluster(pipeline.documents, identity, String(text))
    const name = String(text).trim()
    output.result({ event: 'named', identity, name }, `cluster ${identity} is ${name}`)
  })
}
