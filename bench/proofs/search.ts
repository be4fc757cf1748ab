import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ours, peer, ratio } from './peers.ts'
import type { Line } from './program.ts'
import type { Proof } from './proof.ts'

/** Least share of the peer's queries a second: one at a time, and sixteen. */
const leastOne = 0.8
const leastBatch = 0.5

/** The shortest of some median times. */
const best = (lines: readonly Line[], field: string): number =>
  Math.min(...lines.map((line) => Number(line[field])))

/**
 * Exact search of 50,000 vectors of 128 numbers: ids equal a scan in float64, and the speed
 * stands beside faiss. Both take turns; each shows its best. Arguments: turns, default 3.
 */
export const search: Proof = async ([turns = '3']) => {
  const folder = mkdtempSync(join(tmpdir(), 'contrastream-search-'))
  try {
    const rows = join(folder, 'rows.f32')
    const our: Line[] = []
    const their: Line[] = []
    for (let turn = 0; turn < Number(turns); turn += 1) {
      our.push(...(await ours('search', '50000', '128', '10', '5', rows)))
      their.push(...(await peer('faiss', 'search', rows)))
    }
    const different = our.reduce((sum, line) => sum + Number(line['different']), 0)
    const one = ratio(best(their, 'oneMs'), best(our, 'oneMs'))
    const batch = ratio(best(their, 'batchMs'), best(our, 'batchMs'))
    const compared = our.reduce((sum, line) => sum + Number(line['compared']), 0)
    const beside = String(their[0]?.['library'])
    return {
      lines: [
        `ids of ${compared} queries beside a float64 scan: ${different} differ`,
        `one query: ${best(our, 'oneMs')} ms, ${one.toFixed(2)} × the queries/s of ${beside}, at least ${leastOne}`,
        `sixteen: ${best(our, 'batchMs')} ms, ${batch.toFixed(2)} × its queries/s, at least ${leastBatch}`,
      ],
      holds: different === 0 && one >= leastOne && batch >= leastBatch,
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
