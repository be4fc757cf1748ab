import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { environmentNames, settingVariable } from '../config/names.ts'

type Environment = Record<string, string | undefined>

/** Secrets that become files, by their variable; and the setting that names the file. */
const files: Readonly<Record<string, string>> = {
  [environmentNames.kafkaPassword]: 'kafka.auth.passwordFile',
  [environmentNames.kafkaCertificate]: 'kafka.auth.certFile',
  [environmentNames.kafkaKey]: 'kafka.auth.keyFile',
}

/**
 * Puts the secrets that a container is given into files, which is how the program takes them, and
 * takes them out of the environment, which every child process would inherit.
 *
 * @param environment - Changed: usually `process.env`.
 * @param folder - Made if it is not there; readable by nobody else.
 */
export function secretFiles(environment: Environment, folder: string): void {
  const { kafkaUser } = environmentNames
  const user = environment[kafkaUser]
  if (user !== undefined) environment[settingVariable('kafka.auth.username')] = user
  delete environment[kafkaUser]
  for (const [variable, setting] of Object.entries(files)) {
    const secret = environment[variable]
    delete environment[variable]
    if (secret === undefined) continue
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const path = join(folder, variable)
    writeFileSync(path, secret, { mode: 0o600 })
    environment[settingVariable(setting)] = path
  }
}
