import type { Config } from '../config/schema.ts'
import { openPipeline, type Pipeline } from '../service/open-pipeline.ts'

/** Opens the data folder for one command, and closes it whatever happens. */
export async function withPipeline<T>(
  config: Config,
  work: (pipeline: Pipeline) => Promise<T>,
): Promise<T> {
  const pipeline = await openPipeline(config)
  try {
    return await work(pipeline)
  } finally {
    await pipeline.close()
  }
}
