import { type HousekeepingReport, keepHouse, planHousekeeping } from '../service/housekeeping.ts'
import { asOnlyCollector } from '../service/housekeeping-lease.ts'
import { freedBytes, sizeText } from '../service/housekeeping-text.ts'
import type { Amount } from '../store/types.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { textTable } from './text-table.ts'
import { withPipeline } from './with-pipeline.ts'

interface GcOptions extends GlobalOptions {
  readonly plan?: boolean
}

const rowOf = (what: string, { count, bytes }: Amount): readonly string[] => [
  what,
  String(count),
  sizeText(bytes),
]

/** What goes, for people: documents by name, the rest by number and size. */
function tableOf(report: HousekeepingReport): string {
  const { documents, blobs, orphans, records, released } = report
  return [
    ...documents,
    textTable([
      ['', 'count', 'size'],
      ['documents', String(documents.length)],
      ...Object.entries(blobs).map(([space, amount]) => rowOf(space, amount)),
      rowOf('stray files', orphans),
      rowOf('log records', records),
    ]),
    `${released} pictures need no longer be kept`,
  ].join('\n')
}

/** `contrastream models gc` */
export async function modelsGc(
  _: readonly (string | readonly string[])[],
  { plan = false, ...options }: GcOptions,
): Promise<void> {
  const { config, output } = contextOf('models gc', options)
  await withPipeline(config, async (pipeline) => {
    // An interruption may come at any step: the lease of a dead process is free at once.
    const report = plan
      ? await planHousekeeping(pipeline, Date.now)
      : await asOnlyCollector(pipeline.documents, (lease) => keepHouse(pipeline, lease, Date.now))
    const size = sizeText(freedBytes(report))
    output.result({ event: plan ? 'gc-plan' : 'gc', ...report }, () =>
      [tableOf(report), plan ? `${size} would be freed` : `${size} freed`].join('\n'),
    )
    for (const name of report.unreadable) {
      output.note(`${name} cannot be read: what it may name stays; restore a backup`)
    }
  })
}
