import { existsSync, readdirSync } from 'node:fs'
import { selectEngine } from '../engine/select.ts'
import { StoreError } from '../errors.ts'
import { decodeFiles } from '../service/decode-files.ts'
import { classNumbers } from '../service/evaluate.ts'
import { labelledPictures } from '../service/labelled-folder.ts'
import { trainSupervised } from '../service/supervised.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { figuresTable } from './eval.ts'
import { interruption } from './interruption.ts'
import { exitCodes } from './output.ts'

interface TrainOptions extends GlobalOptions {
  readonly labels: string
  readonly out: string
}

/** `contrastream train` */
export async function trainCommand(
  [folder]: readonly (string | readonly string[])[],
  options: TrainOptions,
): Promise<void> {
  const { config, output } = contextOf('train', options)
  if (existsSync(options.out) && readdirSync(options.out).length > 0) {
    throw new StoreError(`--out: expected an absent or empty folder, ${options.out} has files`)
  }
  const found = await labelledPictures(String(folder), options.labels)
  const engine = await selectEngine(config.engine)
  const stop = interruption(output.note, config.run.deadline)
  try {
    const result = await trainSupervised({
      config,
      engine,
      decode: async (preprocessing) => {
        const files = await decodeFiles(
          found.map(({ path }) => path),
          config,
          preprocessing,
        )
        for (const { path, error } of files.failed)
          output.note(`left out ${path}: ${error.message}`)
        const labels = classNumbers(files.rows.map((row) => found[row]?.class ?? ''))
        return { pixels: files.pixels, labels }
      },
      out: options.out,
      report: output.note,
      signal: stop.signal,
    })
    const { figures, baseline, ...rest } = result
    output.result({ event: 'train', ...rest, ...figures, baseline, out: options.out }, () =>
      [
        `${result.steps} steps on ${result.trainClasses} classes; figures on ${result.heldOutClasses} held-out classes`,
        figuresTable('trained', figures, baseline),
        `model: ${options.out}`,
      ].join('\n'),
    )
  } catch (error) {
    if (!stop.signal.aborted) throw error
    process.exitCode = exitCodes.interrupted // nothing was written
  } finally {
    stop.release()
  }
}
