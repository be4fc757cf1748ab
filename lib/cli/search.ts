import { selectEngine } from '../engine/select.ts'
import { probabilitySame } from '../metric/calibration.ts'
import { decodeFiles } from '../service/decode-files.ts'
import { readState } from '../service/read-state.ts'
import { releaseCalibration } from '../service/release-calibration.ts'
import { searchStored } from '../service/search-stored.ts'
import { servedModel } from '../service/served-model.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { wholeNumber } from './run.ts'
import { textTable } from './text-table.ts'
import { withPipeline } from './with-pipeline.ts'

interface SearchOptions extends GlobalOptions {
  readonly model: string
  readonly release?: string
  readonly k: string
}

/** `contrastream search` */
export async function searchCommand(
  [image]: readonly (string | readonly string[])[],
  options: SearchOptions,
): Promise<void> {
  const { config, output } = contextOf('search', options)
  const k = wholeNumber('-k', options.k) ?? 10
  const name = options.release ?? options.model
  await withPipeline(config, async (pipeline) => {
    const { state } = await readState(pipeline)
    await selectEngine(config.engine)
    const model = await servedModel(pipeline.registry, name)
    try {
      const asked = await decodeFiles([String(image)], config, model.preprocessing)
      const [fault] = asked.failed
      if (fault !== undefined) throw fault.error
      const { version } = model
      const curve = await releaseCalibration(pipeline.registry, version)
      const found = (await searchStored(pipeline, state, model, asked.pixels, k)).map((one) => ({
        ...one,
        pSame: curve === undefined ? null : probabilitySame(one.similarity, curve),
        cluster: one.cluster ?? null,
      }))
      if (output.isJson) {
        for (const one of found) output.result({ event: 'neighbour', ...one, model: version }, '')
        return
      }
      const rows = found.map(({ id, similarity, pSame, source, cluster }) => [
        id,
        similarity.toFixed(4),
        pSame?.toFixed(3) ?? '',
        source,
        cluster === null ? '' : String(cluster),
      ])
      const head = ['picture', 'similarity', 'p(same)', 'source', 'cluster']
      output.result({}, textTable([head, ...rows]))
    } finally {
      model.dispose()
    }
  })
}
