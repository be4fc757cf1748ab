import { MissingError } from '../../errors.ts'
import type { LearnerState } from '../../learn/state.ts'
import { clusterNames, nameCluster } from '../cluster-names.ts'
import { clusterMembers, findCluster } from '../find-cluster.ts'
import { findPicture, type Whereabouts } from '../find-picture.ts'
import type { Pipeline } from '../open-pipeline.ts'
import type { QuarantineEntry } from '../read-quarantine.ts'
import type { StateReader } from './state-reader.ts'
import type { ClustersView, ClusterView, PictureView } from './views.ts'

/** What the learner's last checkpoint tells. */
export interface LearnerCalls {
  clusters(): Promise<ClustersView>
  cluster(asked: { readonly id: number }): Promise<ClusterView>
  /** Identities of the clusters that pictures are in; those in none are left out. */
  clustersOf(asked: { readonly ids: readonly string[] }): Promise<Readonly<Record<string, number>>>
  /** Identities of all pictures that are in a cluster, by image id. */
  identities(): Promise<Readonly<Record<string, number>>>
  picture(asked: { readonly id: string }): Promise<PictureView>
  nameCluster(asked: { readonly id: number; readonly name: string }): Promise<ClusterView>
}

function viewOf(found: Whereabouts): Omit<PictureView, 'clusterName' | 'bytes'> {
  const { id, where } = found
  if (found.where === 'quarantine') {
    const { code, message: why, attempts } = found.entry.record
    return { id, where, quarantined: { code, why, attempts } }
  }
  if (found.where === 'seen before') return { id, where, group: found.picture?.group }
  const { source, at, group } = found.picture
  if (found.where !== 'buffer') return { id, where, source, at, group }
  const { identity: cluster, untrusted: roundsUntrusted } = found.picture
  return { id, where, source, at, group, cluster, roundsUntrusted }
}

function identitiesOf(
  pictures: readonly (readonly [id: string, identity: number | undefined])[],
): Readonly<Record<string, number>> {
  return Object.fromEntries(pictures.filter((one): one is [string, number] => one[1] !== undefined))
}

/** {@link LearnerCalls} over the stores of a pipeline. */
export function learnerCalls(
  { documents, blobs }: Pipeline,
  state: StateReader,
  quarantined: () => Promise<readonly QuarantineEntry[]>,
): LearnerCalls {
  async function cluster(of: LearnerState, asked: number): Promise<ClusterView> {
    const { identity, size, cohesion, bornIn } = findCluster(of, String(asked))
    const events = (of.clusters?.events ?? []).filter((event) =>
      [event.identity, event.of].includes(identity),
    )
    return {
      id: identity,
      name: (await clusterNames(documents, of)).get(identity),
      size,
      cohesion,
      bornIn,
      events: events.map(({ identity: id, ...event }) => ({ ...event, id })),
      pictures: clusterMembers(of, identity).map(({ id, source, at, untrusted }) => ({
        id,
        source,
        at,
        roundsUntrusted: untrusted,
      })),
    }
  }
  /** The buffer; absent before the first checkpoint. */
  const present = () =>
    state().then(
      ({ buffer }) => buffer.entries,
      (error: unknown) => {
        if (error instanceof MissingError) return undefined
        throw error
      },
    )
  return {
    clusters: async () => {
      const now = await state()
      const known = now.clusters?.known ?? []
      const names = await clusterNames(documents, now)
      const clusters = known.map(({ identity: id, size, cohesion, bornIn }) => {
        return { id, name: names.get(id), size, cohesion, bornIn }
      })
      return { clusters: clusters.sort((a, b) => b.size - a.size) }
    },
    cluster: async ({ id }) => cluster(await state(), id),
    clustersOf: async ({ ids }) => {
      const entries = await present()
      return identitiesOf(ids.map((id) => [id, entries?.get(id)?.identity]))
    },
    identities: async () => {
      const entries = [...((await present()) ?? [])]
      return identitiesOf(entries.map(([id, { identity }]) => [id, identity]))
    },
    picture: async ({ id }) => {
      const now = await state()
      const view = viewOf(findPicture(now, await quarantined(), id))
      const { cluster } = view
      const clusterName =
        cluster === undefined ? undefined : (await clusterNames(documents, now)).get(cluster)
      // Of pictures seen long ago only half of the id is known.
      const stored = view.id.length === 64 ? await blobs.stat('pictures', view.id) : undefined
      return { ...view, clusterName, bytes: stored?.bytes }
    },
    nameCluster: async ({ id, name }) => {
      const of = await state()
      const { identity } = findCluster(of, String(id))
      await nameCluster(documents, identity, name)
      return cluster(of, identity)
    },
  }
}
