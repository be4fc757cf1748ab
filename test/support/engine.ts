import { type Engine, selectEngine } from '../../lib/engine/select.ts'

/** Unit tests run on the best engine of this machine; the contract suite proves the others. */
export const engine: Engine = await selectEngine('auto')
