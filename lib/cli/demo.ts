import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { demo } from '../service/demo.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { interruption } from './interruption.ts'
import { exitCodes } from './output.ts'
import { runReporter } from './run-reporter.ts'

interface DemoOptions extends GlobalOptions {
  readonly keep?: boolean
}

/** `contrastream demo` */
export async function demoCommand(
  _: readonly (string | readonly string[])[],
  options: DemoOptions,
): Promise<void> {
  const { config, output } = contextOf('demo', options)
  const folder = mkdtempSync(join(tmpdir(), 'contrastream-demo-'))
  const reporter = runReporter(output)
  const stop = interruption(reporter.line, config.run.deadline)
  try {
    reporter.line(
      'demo    1,600 generated pictures of 40 glyphs stream in; 20 other glyphs are only measured',
    )
    const { summary, figures, unseenClasses } = await demo(folder, config.engine, {
      now: Date.now,
      signal: stop.signal,
      onProgress: reporter.onProgress,
      onEvent: reporter.onEvent,
    })
    reporter.end()
    if (figures === undefined) {
      process.exitCode = exitCodes.interrupted
      return
    }
    const data = join(folder, 'data')
    const name = summary.stable?.split('-')[0] ?? 'none'
    const [before, after] = [figures.before.mapAtR, figures.after.mapAtR]
    const next = options.keep
      ? [
          `contrastream models list --data ${data}`,
          `contrastream clusters list --data ${data}`,
          'contrastream run ./photos',
        ]
      : ['contrastream demo --keep', 'contrastream run ./photos', 'contrastream doctor']
    output.result({ event: 'demo', ...summary, before, after, unseenClasses }, () =>
      [
        `verdict: ${summary.verdict ?? 'none'} — ${summary.reason ?? ''}`,
        `MAP@R on ${unseenClasses} unseen classes: pixels ${before.toFixed(2)}, ${name} ${after.toFixed(2)}`,
        'Next:',
        ...next.map((command) => `  ${command}`),
      ].join('\n'),
    )
  } finally {
    reporter.end()
    stop.release()
    if (options.keep !== true) rmSync(folder, { recursive: true, force: true })
  }
}
