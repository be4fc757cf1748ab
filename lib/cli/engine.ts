import { installEngine } from '../engine/native.ts'
import { EngineError } from '../errors.ts'
import { contextOf, type GlobalOptions } from './context.ts'

interface EngineOptions extends GlobalOptions {
  readonly cuda?: boolean
  readonly ifMissing?: boolean
}

/** `contrastream engine install` */
export async function engineInstall(
  _: readonly (string | readonly string[])[],
  options: EngineOptions,
): Promise<void> {
  const { output } = contextOf('engine install', options)
  const { cuda = false, ifMissing = false } = options
  try {
    const { folder, installed } = await installEngine({ cuda, ifMissing, report: output.note })
    output.result({ event: 'engine', folder, installed }, () =>
      installed ? `native engine installed in ${folder}` : `native engine is there: ${folder}`,
    )
  } catch (error) {
    if (!ifMissing || !(error instanceof EngineError)) throw error
    output.note(`native engine not installed, the wasm engine serves: ${error.message}`)
  }
}
