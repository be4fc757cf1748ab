import { homedir } from 'node:os'
import { join } from 'node:path'

/** Folder of what is fetched and built once a machine: engines and backbones. */
export function engineCache(): string {
  const own = process.env['CONTRASTREAM_CACHE']
  if (own !== undefined && own !== '') return own
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'contrastream')
}
