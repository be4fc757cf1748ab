import { selectEngine } from '../engine/select.ts'
import { ConfigError } from '../errors.ts'
import { isPretrained, pretrainedNames } from '../model/options.ts'
import { installBackbone } from '../model/pretrained.ts'
import { backboneCacheFolder } from '../service/cache-folder.ts'
import { contextOf, type GlobalOptions } from './context.ts'

/** `contrastream backbone install` */
export async function backboneInstall(
  [given]: readonly (string | readonly string[])[],
  options: GlobalOptions,
): Promise<void> {
  const { config, output } = contextOf('backbone install', options)
  const name = String(given)
  if (!isPretrained(name)) {
    throw new ConfigError(`backbone: expected ${pretrainedNames.join(' or ')}, got '${name}'`)
  }
  await selectEngine(config.engine)
  const cacheFolder = backboneCacheFolder()
  const folder = await installBackbone(name, { cacheFolder, report: output.note })
  output.result({ event: 'installed', name, folder }, `${name} is in ${folder}`)
}
