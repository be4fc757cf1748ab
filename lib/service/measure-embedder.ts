import { versionNumber } from '../registry/version-id.ts'
import type { Embedder } from './embedder.ts'
import type { Metrics } from './metrics.ts'
import { rise } from './metrics-rise.ts'

/** Shows where an embedder stands whenever somebody reads the metrics. */
export function measureEmbedder(metrics: Metrics, one: Pick<Embedder, 'status'>): void {
  const counted = (outcome: string) => rise((by) => metrics.count('records_total', { outcome }, by))
  const applied = counted('applied')
  const duplicate = counted('duplicate')
  const forgotten = counted('erased')
  const quarantine = counted('quarantined')
  const show = (): void => {
    const { embedded, duplicates, erased, quarantined, served } = one.status
    applied(embedded)
    duplicate(duplicates)
    forgotten(erased)
    quarantine(quarantined)
    if (served === undefined) return
    const { id, vectors, coverage, recall } = served
    metrics.set('model_version', {}, versionNumber(id.split('.')[0] ?? '') ?? 0)
    metrics.set('index_vectors', {}, vectors)
    metrics.set('generation_coverage_ratio', {}, coverage)
    if (recall !== undefined) metrics.set('index_recall_ratio', {}, recall)
  }
  show() // what it has done before is what rises are counted from
  metrics.onRead(show)
}
