import { selectEngine } from '../engine/select.ts'
import { decodeFiles } from '../service/decode-files.ts'
import { centred, classNumbers, type Figures, figuresOf } from '../service/evaluate.ts'
import { labelledPictures } from '../service/labelled-folder.ts'
import { type ServedModel, servedModel } from '../service/served-model.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { withPipeline } from './with-pipeline.ts'

interface EvalOptions extends GlobalOptions {
  readonly labels: string
  readonly model: string
}

const rows: readonly (readonly [keyof Figures, string])[] = [
  ['mapAtR', 'MAP@R'],
  ['recallAt1', 'Recall@1'],
  ['recallAt2', 'Recall@2'],
  ['recallAt4', 'Recall@4'],
  ['recallAt8', 'Recall@8'],
  ['rPrecision', 'R-precision'],
  ['nmi', 'NMI'],
]

/** Figures of a model and of the baseline, as a table for people. */
export function figuresTable(name: string, figures: Figures, baseline: Figures): string {
  const line = (a: string, b: string, c: string) =>
    `${a.padEnd(12)} ${b.padStart(10)} ${c.padStart(10)}`
  const lines = rows.map(([key, title]) =>
    line(title, figures[key].toFixed(3), baseline[key].toFixed(3)),
  )
  return [line('', name, 'baseline'), ...lines].join('\n')
}

async function measured(
  model: ServedModel,
  pixels: Uint8Array,
  labels: Int32Array,
): Promise<Figures> {
  const vectors = await model.embed(pixels)
  return figuresOf(model.mean === undefined ? centred(vectors) : vectors, labels)
}

/** `contrastream eval` */
export async function evalCommand(
  [folder]: readonly (string | readonly string[])[],
  options: EvalOptions,
): Promise<void> {
  const { config, output } = contextOf('eval', options)
  const found = await labelledPictures(String(folder), options.labels)
  await withPipeline(config, async ({ registry }) => {
    await selectEngine(config.engine)
    const model = await servedModel(registry, options.model)
    const frozen = await servedModel(registry, 'baseline')
    const files = await decodeFiles(
      found.map(({ path }) => path),
      config,
      model.preprocessing,
    )
    for (const { path, error } of files.failed) output.note(`left out ${path}: ${error.message}`)
    const labels = classNumbers(files.rows.map((row) => found[row]?.class ?? ''))
    const figures = await measured(model, files.pixels, labels)
    const baseline = await measured(frozen, files.pixels, labels)
    const images = files.rows.length
    const classes = new Set(labels).size
    output.result(
      { event: 'eval', model: model.version, images, classes, ...figures, baseline },
      () =>
        `${images} pictures of ${classes} classes\n${figuresTable(model.version, figures, baseline)}`,
    )
    model.dispose()
    frozen.dispose()
  })
}
