import { selectEngine } from '../engine/select.ts'
import { readState } from '../service/read-state.ts'
import { rejudge } from '../service/rejudge.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { exitCodes } from './output.ts'
import { textTable } from './text-table.ts'
import { withPipeline } from './with-pipeline.ts'

/** `contrastream gate` */
export async function gateCommand(
  [version]: readonly (string | readonly string[])[],
  options: GlobalOptions,
): Promise<void> {
  const { config, output } = contextOf('gate', options)
  await withPipeline(config, async (pipeline) => {
    const { state } = await readState(pipeline)
    const engine = await selectEngine(config.engine)
    const judged = await rejudge(pipeline, state, engine, String(version), output.note)
    output.result({ event: 'gate', ...judged }, () => {
      const { champion, probes, verdict, reason, comparisons, figures, watched } = judged
      const labelled = probes.labelled === 0 ? '' : `, and ${probes.labelled} with labels`
      return [
        `${judged.version} against ${champion} on ${probes.a} old and ${probes.b} new pictures${labelled}`,
        `verdict: ${verdict}`,
        reason,
        textTable([
          ['', 'it', 'against', 'baseline', 'difference'],
          ...Object.entries(comparisons).map(([name, one]) => [
            name,
            one.candidate.toFixed(3),
            one.champion.toFixed(3),
            one.baseline.toFixed(3),
            `${one.mean.toFixed(3)} (${one.low.toFixed(3)} to ${one.high.toFixed(3)})`,
          ]),
          ...Object.entries(figures).map(([name, value]) => [name, value.toFixed(3)]),
          ...Object.entries(watched).map(([name, value]) => [
            `${name}, when made`,
            value.toFixed(3),
          ]),
        ]),
      ].join('\n')
    })
    if (judged.verdict !== 'promote') process.exitCode = exitCodes.refused
  })
}
