import { expect, it } from 'vitest'
import type { EmbedderStatus } from '../../lib/service/embedder-parts.ts'
import { measureEmbedder } from '../../lib/service/measure-embedder.ts'
import { openMetrics } from '../../lib/service/metrics.ts'

it('shows the index in service, and counts what has come since', async () => {
  const metrics = openMetrics('embed')
  const served = { id: 'v3-0123456789ab.2', vectors: 90, coverage: 0.995, recall: 1 }
  const world = { status: { embedded: 5, duplicates: 1, erased: 0, quarantined: 0, served } }
  measureEmbedder(metrics, world as unknown as { status: EmbedderStatus })
  world.status = { ...world.status, embedded: 9, erased: 3, quarantined: 2 }
  const text = await metrics.text()
  for (const line of [
    'records_total{outcome="applied",role="embed"} 4',
    'records_total{outcome="erased",role="embed"} 3',
    'records_total{outcome="quarantined",role="embed"} 2',
    'model_version{role="embed"} 3',
    'index_vectors{role="embed"} 90',
    'generation_coverage_ratio{role="embed"} 0.995',
    'index_recall_ratio{role="embed"} 1',
  ]) {
    expect(text).toContain(`contrastream_${line}`)
  }
})

it('shows no index as long as there is none', async () => {
  const metrics = openMetrics('embed')
  const status = { embedded: 0, duplicates: 0, erased: 0, quarantined: 0, served: undefined }
  measureEmbedder(metrics, { status: status as unknown as EmbedderStatus })
  expect(await metrics.text()).not.toContain('contrastream_index_vectors{')
})
