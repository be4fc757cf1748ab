import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from '../config/findings.ts'
import type { Config } from '../config/schema.ts'
import { databaseName, openDatabase } from './database.ts'
import { isReachable } from './http/check-host.ts'
import { openStores } from './open-stores.ts'
import { isLive, listTokens } from './tokens.ts'

/** The addresses of HTTP, by the setting that names them. */
const addresses = ['host', 'adminHost'] as const

/**
 * An address that others than this machine reach while there is no token: a server would not
 * start on it.
 *
 * @param now - ms since 1970.
 * @throws {@link StoreError} if tokens may be there and cannot be read.
 */
export async function tokenFinding(config: Config, now: number): Promise<Finding | undefined> {
  const { http } = config
  const reached = addresses.find((key) => isReachable(http[key], http.names))
  if (reached === undefined || (await hasLiveToken(config, now))) return undefined
  const names = http.names.length === 0 ? '' : ` (http.names: ${http.names.join(', ')})`
  return {
    key: `http.${reached}`,
    fault: `expected a token where others reach ${http[reached]}${names}, there is none`,
    remedy:
      'run `contrastream token create`, or set the address to 127.0.0.1 and leave http.names empty',
  }
}

/** Looks without making anything. */
async function hasLiveToken(config: Config, now: number): Promise<boolean> {
  const hasFolder = existsSync(join(config.data, databaseName))
  if (config.store.adapter === 'file' && !hasFolder) return false
  const database = openDatabase(config.data, { check: false })
  try {
    const stores = await openStores(config, database)
    try {
      return (await listTokens(stores.documents)).some((token) => isLive(token, now))
    } finally {
      stores.close()
    }
  } finally {
    database.close()
  }
}
