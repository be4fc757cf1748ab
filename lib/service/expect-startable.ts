import { findFaults } from '../config/findings.ts'
import type { Config } from '../config/schema.ts'
import { ConfigError } from '../errors.ts'

/** Settings without which no run can begin; other faults are `config check`'s to tell. */
const vital: readonly string[] = ['ingest.folders', 'model.backbone', 'model.recipe']

/**
 * Checks what a run depends on before anything is made or fetched for it.
 *
 * @throws {@link ConfigError} naming the setting, what it has and the remedy.
 */
export function expectStartable(config: Config): void {
  const found = findFaults(config).find(({ key }) => vital.includes(key))
  if (found === undefined) return
  throw new ConfigError(`${found.key}: ${found.fault}; ${found.remedy}`)
}
