import { selectEngine } from '../engine/select.ts'
import { decodeFiles } from '../service/decode-files.ts'
import { readState } from '../service/read-state.ts'
import { searchStored } from '../service/search-stored.ts'
import { servedModel } from '../service/served-model.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { wholeNumber } from './run.ts'
import { textTable } from './text-table.ts'
import { withPipeline } from './with-pipeline.ts'

interface SearchOptions extends GlobalOptions {
  readonly model: string
  readonly k: string
}

/** `contrastream search` */
export async function searchCommand(
  [image]: readonly (string | readonly string[])[],
  options: SearchOptions,
): Promise<void> {
  const { config, output } = contextOf('search', options)
  const k = wholeNumber('-k', options.k) ?? 10
  await withPipeline(config, async (pipeline) => {
    const { state } = await readState(pipeline)
    await selectEngine(config.engine)
    const model = await servedModel(pipeline.registry, options.model)
    try {
      const asked = await decodeFiles([String(image)], config, model.preprocessing)
      const [fault] = asked.failed
      if (fault !== undefined) throw fault.error
      const found = await searchStored(pipeline, state, model, asked.pixels, k)
      if (output.isJson) {
        const { version } = model
        for (const one of found) output.result({ event: 'neighbour', ...one, model: version }, '')
        return
      }
      const rows = found.map(({ id, similarity, source, cluster }) => [
        id,
        similarity.toFixed(4),
        source,
        cluster === undefined ? '' : String(cluster),
      ])
      output.result({}, textTable([['picture', 'similarity', 'source', 'cluster'], ...rows]))
    } finally {
      model.dispose()
    }
  })
}
