import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import type { Config } from '../config/schema.ts'
import { InputError, PipelineError } from '../errors.ts'
import { imageId } from '../image/fingerprint.ts'
import type { Preprocessing } from '../image/options.ts'
import { decoders } from './decoders.ts'
import { limitsOf } from './settings.ts'

/** Pictures of files, decoded, and those that could not be. */
export interface DecodedFiles {
  /** Indices of the files that decoded, rising. */
  readonly rows: readonly number[]
  /** Image ids of those. */
  readonly ids: readonly string[]
  /** Shape [rows, size, size, channels], one after another. */
  readonly pixels: Uint8Array
  readonly failed: readonly { readonly path: string; readonly error: PipelineError }[]
}

const atOnce = 64

/** Decodes files as the pipeline does; a bad one is reported and left out. */
export async function decodeFiles(
  paths: readonly string[],
  config: Config,
  preprocessing: Preprocessing,
  report: (done: number, total: number) => void = () => undefined,
): Promise<DecodedFiles> {
  const pool = decoders({
    processes: availableParallelism(),
    limits: limitsOf(config),
    preprocessing,
  })
  const found: { readonly row: number; readonly id: string; readonly pixels: Uint8Array }[] = []
  const failed: { readonly path: string; readonly error: PipelineError }[] = []
  const one = async (row: number) => {
    const path = paths[row] as string
    try {
      const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
        throw new InputError(`${path}: expected a readable file, got ${cause.code}`, { cause })
      })
      found.push({ row, id: imageId(bytes), pixels: (await pool.decode(bytes)).pixels })
    } catch (error) {
      if (!(error instanceof PipelineError) || error.retryable) throw error
      failed.push({ path, error })
    }
  }
  try {
    for (let at = 0; at < paths.length; at += atOnce) {
      const size = Math.min(atOnce, paths.length - at)
      await Promise.all(Array.from({ length: size }, (_, i) => one(at + i)))
      report(at + size, paths.length)
    }
  } finally {
    await pool.close()
  }
  found.sort((a, b) => a.row - b.row)
  const each = found[0]?.pixels.length ?? 0
  const pixels = new Uint8Array(each * found.length)
  for (const [i, one] of found.entries()) pixels.set(one.pixels, i * each)
  return { rows: found.map(({ row }) => row), ids: found.map(({ id }) => id), pixels, failed }
}
