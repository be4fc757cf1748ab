import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/schema.ts'
import { MissingError } from '../errors.ts'
import { databaseName } from '../service/database.ts'
import { openPipeline, type Pipeline } from '../service/open-pipeline.ts'

/** @throws {@link MissingError} unless `run` has made the data folder: it may be mistyped. */
export function expectDataFolder({ data, store }: Config): void {
  // Beside a bucket the folder holds nothing: a command may be the first on a machine.
  if (store.adapter === 's3') return
  if (existsSync(join(data, databaseName))) return
  throw new MissingError(
    `data: expected a data folder at ${data}, there is none; \`contrastream run <folder>\` makes one, --data names another`,
  )
}

/**
 * Opens the data folder for one command, and closes it whatever happens.
 *
 * @param options - `make`: whether the command may be the first on its folder.
 * @throws {@link MissingError} if there is no data folder, which only a few commands may make.
 */
export async function withPipeline<T>(
  config: Config,
  work: (pipeline: Pipeline) => Promise<T>,
  options: { readonly make?: boolean } = {},
): Promise<T> {
  if (options.make !== true) expectDataFolder(config)
  const pipeline = await openPipeline(config)
  try {
    return await work(pipeline)
  } finally {
    await pipeline.close()
  }
}
