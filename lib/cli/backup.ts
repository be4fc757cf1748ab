import { monotonicClock } from '../registry/clock.ts'
import { backup } from '../service/backup.ts'
import { sizeText } from '../service/housekeeping-text.ts'
import { restore } from '../service/restore.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { interruption } from './interruption.ts'
import { exitCodes } from './output.ts'
import { timeText } from './text-table.ts'
import { withPipeline } from './with-pipeline.ts'

type Args = readonly (string | readonly string[])[]

/** `contrastream backup` */
export async function backupCommand([target]: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('backup', options)
  const stop = interruption(output.note, config.run.deadline)
  try {
    const { manifest, copied, removed, damaged } = await withPipeline(config, (pipeline) =>
      backup(pipeline, String(target), {
        now: Date.now,
        clock: monotonicClock,
        signal: stop.signal,
        note: output.note,
      }),
    )
    const { at, documents, blobs } = manifest
    output.result({ event: 'backup', target, at, documents, blobs, copied, removed, damaged }, () =>
      [
        `${target}: ${documents} documents and ${blobs.count} blobs (${sizeText(blobs.bytes)}) of ${timeText(at)}`,
        `${copied.count} copied (${sizeText(copied.bytes)}), ${removed.count} no longer needed`,
        ...damaged.map((name) => `${name} is damaged or gone, and was left out`),
      ].join('\n'),
    )
    if (damaged.length > 0) process.exitCode = exitCodes.refused
  } catch (error) {
    if (!stop.signal.aborted) throw error
    output.note('the backup before stays; the next one goes on with what was copied')
    process.exitCode = exitCodes.interrupted
  } finally {
    stop.release()
  }
}

/** `contrastream restore` */
export async function restoreCommand([source]: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('restore', options)
  const stop = interruption(output.note, config.run.deadline)
  try {
    const { manifest, hasLog } = await restore(config, String(source), stop.signal)
    const { at, documents, blobs } = manifest
    output.result({ event: 'restored', source, at, documents, blobs, hasLog }, () =>
      [
        `${documents} documents and ${blobs.count} blobs (${sizeText(blobs.bytes)}) of ${timeText(at)}`,
        hasLog
          ? 'the learner goes on at the offsets of its checkpoint'
          : 'another log than before: models and index stay, the learner begins with --lineage <new>',
      ].join('\n'),
    )
  } catch (error) {
    if (!stop.signal.aborted) throw error
    process.exitCode = exitCodes.interrupted
  } finally {
    stop.release()
  }
}
