import { describe } from 'vitest'
import { consumingContract } from './contract-consuming.ts'
import { faultsContract } from './contract-faults.ts'
import { groupsContract } from './contract-groups.ts'
import { sendingContract } from './contract-sending.ts'
import type { StreamHarness } from './harness.ts'

/**
 * What "a stream" means: every adapter's test calls this, and an adapter may be chosen only when
 * all of it passes.
 *
 * @param name - Of the adapter.
 * @param make - Makes a fresh, empty store of records.
 */
export function describeStream(name: string, make: () => Promise<StreamHarness>): void {
  describe(`${name} stream`, () => {
    sendingContract(make)
    consumingContract(make)
    groupsContract(make)
    faultsContract(make)
  })
}
