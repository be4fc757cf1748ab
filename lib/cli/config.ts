import { findFaults } from '../config/findings.ts'
import { printSettings, settingsJsonSchema, settingsTree } from '../config/print.ts'
import { tokenFinding } from '../service/token-finding.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { commandOutput, exitCodes } from './output.ts'

type Args = readonly (string | readonly string[])[]

/** `contrastream config print` */
export async function configPrint(_: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('config print', options)
  output.result({ event: 'config', config: settingsTree(config) }, () =>
    printSettings(config).trimEnd(),
  )
}

/** `contrastream config check` */
export async function configCheck(_: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('config check', options)
  const found = await tokenFinding(config, Date.now())
  const findings = [...findFaults(config), ...(found === undefined ? [] : [found])]
  if (output.isJson)
    output.result({ event: 'config-check', ok: findings.length === 0, findings }, '')
  else {
    for (const { key, fault, remedy } of findings) {
      output.result({}, `${key}: ${fault}\n  remedy: ${remedy}`)
    }
    if (findings.length === 0) output.result({}, 'the settings are sound')
  }
  if (findings.length > 0) process.exitCode = exitCodes.refused
}

/** `contrastream config schema` */
export async function configSchemaCommand(_: Args, options: GlobalOptions): Promise<void> {
  const output = commandOutput('config schema', options, process)
  const jsonSchema = settingsJsonSchema()
  output.result({ event: 'config-schema', jsonSchema }, () => JSON.stringify(jsonSchema, null, 2))
}
