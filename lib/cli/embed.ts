import { selectEngine } from '../engine/select.ts'
import { decodeFiles } from '../service/decode-files.ts'
import { servedModel } from '../service/served-model.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { exitCodes } from './output.ts'
import { withPipeline } from './with-pipeline.ts'

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
  await withPipeline(config, async ({ registry }) => {
    await selectEngine(config.engine)
    const model = await servedModel(registry, options.model)
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
  })
}
