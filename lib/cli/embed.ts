import { selectEngine } from '../engine/select.ts'
import { decodeFiles } from '../service/decode-files.ts'
import { openPipeline } from '../service/open-pipeline.ts'
import { servedModel } from '../service/served-model.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { exitCodes } from './output.ts'

interface EmbedOptions extends GlobalOptions {
  readonly model: string
}

/** `contrastream embed` */
export async function embedCommand(
  [images]: readonly (string | readonly string[])[],
  options: EmbedOptions,
): Promise<void> {
  const { config, output } = contextOf('embed', options)
  const paths = [images ?? []].flat()
  const pipeline = await openPipeline(config)
  try {
    await selectEngine(config.engine)
    const model = await servedModel(pipeline.registry, options.model)
    const { rows, pixels, failed } = await decodeFiles(paths, config, model.preprocessing)
    for (const { path, error } of failed) output.note(`left out ${path}: ${error.message}`)
    const { dim, data } = await model.embed(pixels)
    for (const [i, row] of rows.entries()) {
      const embedding = Array.from(data.subarray(i * dim, (i + 1) * dim))
      const { version, preprocessingHash } = model
      output.result(
        { image: paths[row], embedding, model: version, preprocessing: preprocessingHash },
        () => `${paths[row]}\t${embedding.map((value) => value.toFixed(6)).join(' ')}`,
      )
    }
    if (failed.length > 0) process.exitCode = exitCodes.failure
    model.dispose()
  } finally {
    await pipeline.close()
  }
}
