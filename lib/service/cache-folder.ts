import { join } from 'node:path'
import { engineCache } from '../engine/engine-cache.ts'

/** Where downloaded backbones are kept, outside every project and data folder. */
export function backboneCacheFolder(): string {
  return join(engineCache(), 'backbones')
}
