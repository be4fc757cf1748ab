import { z } from 'zod'
import type { HttpParts } from './parts.ts'
import { answers, clusterParams } from './route-schemas.ts'
import { clustersView, clusterView } from './views.ts'
import type { HttpApp } from './zod-types.ts'

const nameBody = z.strictObject({ name: z.string().min(1).max(200) })

/** Clusters, for everybody who may read. */
export function clusterRoutes({ store }: HttpParts) {
  return async (app: HttpApp): Promise<void> => {
    app.get(
      '/v1/clusters',
      {
        config: { scope: 'read' },
        schema: {
          summary: 'The living clusters, largest first',
          tags: ['clusters'],
          response: answers({ 200: clustersView }, 404, 503),
        },
      },
      () => store.clusters(),
    )
    app.get(
      '/v1/clusters/:id',
      {
        config: { scope: 'read' },
        schema: {
          summary: 'One cluster, its pictures and its past',
          tags: ['clusters'],
          params: clusterParams,
          response: answers({ 200: clusterView }, 400, 404, 503),
        },
      },
      ({ params }) => store.cluster(params),
    )
  }
}

/** Names of clusters. */
export function clusterNameRoutes({ store }: HttpParts) {
  return async (app: HttpApp): Promise<void> => {
    app.put(
      '/v1/clusters/:id/name',
      {
        config: { scope: 'admin' },
        schema: {
          summary: 'Name a cluster; the name outlives rounds',
          tags: ['clusters'],
          params: clusterParams,
          body: nameBody,
          response: answers({ 200: clusterView }, 400, 404, 409, 503),
        },
      },
      ({ params, body }) => store.nameCluster({ ...params, ...body }),
    )
  }
}
