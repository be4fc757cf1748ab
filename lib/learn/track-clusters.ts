import { trackCentroid } from '../cluster/track.ts'
import type { ClusterState, KnownCluster } from './state.ts'

/** Clusters that follow what comes in, picture by picture: how they are batched changes nothing. */
export interface ClusterTracker {
  /** The cluster of a picture, by its nearest centroid; undefined where there are none. */
  nearest(embedding: Float32Array): number | undefined
  /** Takes a picture into a cluster: its size grows, and its centroid follows. */
  join(cluster: number, embedding: Float32Array): void
  /** The clusters now; those given where nothing has joined. */
  state(): ClusterState
}

/** Starts to follow; the state given is not changed. */
export function clusterTracker(clusters: ClusterState): ClusterTracker {
  const { rows, dim } = clusters.centroids
  let data = clusters.centroids.data
  let known: KnownCluster[] | undefined

  const nearest = (embedding: Float32Array): number | undefined => {
    let best = -2
    let nearest: number | undefined
    for (let row = 0; row < rows; row += 1) {
      let sum = 0
      for (let i = 0; i < dim; i += 1) {
        sum += (data[row * dim + i] as number) * (embedding[i] as number)
      }
      if (sum > best) {
        best = sum
        nearest = row
      }
    }
    return nearest
  }

  const join = (cluster: number, embedding: Float32Array): void => {
    if (known === undefined) {
      known = [...clusters.known]
      data = data.slice()
    }
    const one = known[cluster] as KnownCluster
    const centroid = data.slice(cluster * dim, (cluster + 1) * dim)
    const tracked = trackCentroid({ centroid, count: one.weight ?? one.size }, [embedding])
    data.set(tracked.centroid, cluster * dim)
    known[cluster] = { ...one, size: one.size + 1, weight: tracked.count }
  }

  return {
    nearest,
    join,
    state: () =>
      known === undefined ? clusters : { ...clusters, known, centroids: { rows, dim, data } },
  }
}
