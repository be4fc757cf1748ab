import { ConfigError } from '../errors.ts'
import { exportModel } from '../service/export-model.ts'
import { exportVectors } from '../service/export-vectors.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { withPipeline } from './with-pipeline.ts'

interface ExportOptions extends GlobalOptions {
  readonly as: string
  readonly out: string
}

/** `contrastream models export` */
export async function modelsExport(
  [name]: readonly (string | readonly string[])[],
  options: ExportOptions,
): Promise<void> {
  const { config, output } = contextOf('models export', options)
  const { as, out } = options
  const wanted = name === undefined ? 'stable' : String(name)
  await withPipeline(config, async (pipeline) => {
    if (as === 'csv' || as === 'projector') {
      const { version, rows } = await exportVectors(pipeline, wanted, as, out)
      const said = { event: 'exported', version, as, out, rows }
      output.result(said, `${rows} vectors of ${version} are in ${out}`)
      return
    }
    if (as !== 'tfjs') throw new ConfigError(`--as: expected tfjs, csv or projector, got '${as}'`)
    const version = await exportModel(pipeline.registry, wanted, out)
    output.result({ event: 'exported', version, as, out }, `${version} is in ${out}`)
  })
}
