import { selectEngine } from '../engine/select.ts'
import { monotonicClock } from '../registry/clock.ts'
import { defaultEmbedderOptions } from '../service/embedder-parts.ts'
import { embeddingPace } from '../service/embedding-pace.ts'
import { sizeText } from '../service/housekeeping-text.ts'
import { indexList, type ListedGeneration } from '../service/index-list.ts'
import { planRebuild, type RebuildPlan, rebuildIndex } from '../service/index-rebuild.ts'
import type { Pipeline } from '../service/open-pipeline.ts'
import { servedModel } from '../service/served-model.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { textTable, timeText } from './text-table.ts'
import { withPipeline } from './with-pipeline.ts'

type Args = readonly (string | readonly string[])[]

interface RebuildOptions extends GlobalOptions {
  readonly plan?: boolean
}

function rowOf(one: ListedGeneration): readonly string[] {
  const { id, at, state, isServed, vectors, bytes, coverage, recall, reason } = one
  return [
    id,
    timeText(at),
    isServed ? `${state}, in service` : state,
    String(vectors),
    sizeText(bytes),
    coverage.toFixed(3),
    recall?.toFixed(3) ?? '–',
    reason ?? '',
  ]
}

/** `contrastream index status` */
export async function indexStatus(_: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('index status', options)
  const all = await withPipeline(config, ({ registry }) => indexList(registry))
  if (output.isJson) {
    for (const one of all) output.result({ event: 'generation', ...one }, '')
    return
  }
  if (all.length === 0) return output.note('no index yet: `contrastream run` makes it')
  const head = ['generation', 'begun', 'state', 'pictures', 'size', 'coverage', 'recall', 'reason']
  output.result({}, textTable([head, ...all.map(rowOf)]))
}

/** How long a rebuild takes at the pace of this machine, s; undefined: nobody can tell. */
async function secondsOf(
  pipeline: Pipeline,
  { version, served, vectors }: RebuildPlan,
): Promise<number | undefined> {
  if (served === undefined || vectors === 0) return undefined
  await selectEngine(pipeline.config.engine)
  const model = await servedModel(pipeline.registry, version)
  try {
    const pace = await embeddingPace(pipeline, served, model, monotonicClock)
    if (pace === undefined) return undefined
    return (vectors * pace) / 1_000 / defaultEmbedderOptions.backfillShare
  } finally {
    model.dispose()
  }
}

/** `contrastream index rebuild` */
export async function indexRebuild(
  _: Args,
  { plan: isPlan = false, ...options }: RebuildOptions,
): Promise<void> {
  const { config, output } = contextOf('index rebuild', options)
  await withPipeline(config, async (pipeline) => {
    const { registry } = pipeline
    const plan = await planRebuild(registry)
    const { version, vectors, bytes } = plan
    const amount = `${vectors} pictures, ${sizeText(bytes)}`
    if (isPlan) {
      const seconds = await secondsOf(pipeline, plan)
      const time =
        seconds === undefined ? '' : `, about ${Math.ceil(seconds / 60)} min beside new pictures`
      output.result(
        { event: 'rebuild-plan', version, vectors, bytes, seconds: seconds ?? null },
        `another index of ${version}: ${amount}${time}`,
      )
      return
    }
    const { generation, isUnderWay } = await rebuildIndex(registry, Date.now())
    const { id } = generation
    output.result(
      { event: 'rebuild', version, generation: id, isUnderWay, vectors, bytes },
      isUnderWay ? `${id} is under way already` : `${id} is asked for: ${amount}`,
    )
    output.note('`embed` makes it while it runs; `contrastream index status` shows how far it is')
  })
}
