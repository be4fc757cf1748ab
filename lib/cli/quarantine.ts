import { ConfigError, MissingError, PipelineError } from '../errors.ts'
import type { Pipeline } from '../service/open-pipeline.ts'
import { type QuarantineEntry, readQuarantineTopic } from '../service/read-quarantine.ts'
import { replayQuarantined } from '../service/replay-quarantine.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { exitCodes } from './output.ts'
import { textTable } from './text-table.ts'
import { withPipeline } from './with-pipeline.ts'

type Args = readonly (string | readonly string[])[]

interface ReplayOptions extends GlobalOptions {
  readonly reason?: string
}

const nameOf = ({ record: { envelope } }: QuarantineEntry): string =>
  String(envelope?.['path'] ?? envelope?.['sha256'] ?? 'unnamed')

const entriesOf = ({ stream, config }: Pipeline): Promise<readonly QuarantineEntry[]> =>
  readQuarantineTopic(stream, config.name)

/** The entry with that id. @throws {@link MissingError} if there is none. */
function entryOf(entries: readonly QuarantineEntry[], id: string): QuarantineEntry {
  const found = entries.find((entry) => String(entry.id) === id)
  if (found !== undefined) return found
  throw new MissingError(
    `quarantine: expected an id out of \`quarantine list\` (${entries.length} records), got ${id}`,
  )
}

/** `contrastream quarantine list` */
export async function quarantineList(_: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('quarantine list', options)
  const entries = await withPipeline(config, entriesOf)
  if (output.isJson) {
    for (const { id, record } of entries) output.result({ event: 'quarantined', id, ...record }, '')
    return
  }
  if (entries.length === 0) return output.note('nothing in quarantine')
  const rows = entries.map((entry) => {
    const { code, attempts, lastSeen } = entry.record
    return [String(entry.id), code, `${attempts}×`, lastSeen, nameOf(entry)]
  })
  output.result({}, textTable([['id', 'code', 'tries', 'last seen', 'picture'], ...rows]))
}

/** `contrastream quarantine show` */
export async function quarantineShow([id]: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('quarantine show', options)
  const entry = entryOf(await withPipeline(config, entriesOf), String(id))
  const { record } = entry
  output.result({ event: 'quarantined', id: entry.id, ...record }, () =>
    textTable([
      ['id', String(entry.id)],
      ['picture', nameOf(entry)],
      ['code', record.code],
      ['why', record.message],
      ['role', record.role],
      ['from', `${record.topic}/${record.partition} at ${record.offset}`],
      ['tries', `${record.attempts}, first ${record.firstSeen}, last ${record.lastSeen}`],
      ['program', record.programVersion],
      ['envelope', JSON.stringify(record.envelope ?? null)],
    ]),
  )
}

/** `contrastream quarantine replay` */
export async function quarantineReplay([given]: Args, options: ReplayOptions): Promise<void> {
  const { config, output } = contextOf('quarantine replay', options)
  const ids = [given ?? []].flat()
  const { reason } = options
  if (ids.length === 0 && reason === undefined) {
    throw new ConfigError('quarantine replay: expected ids or --reason <code>, got neither')
  }
  await withPipeline(config, async (pipeline) => {
    const entries = await entriesOf(pipeline)
    const chosen = new Set(ids.map((id) => entryOf(entries, id)))
    for (const entry of entries) if (entry.record.code === reason) chosen.add(entry)
    if (chosen.size === 0) output.note(`nothing in quarantine for ${reason}`)
    for (const entry of chosen) {
      try {
        await replayQuarantined(pipeline, entry)
        output.result({ event: 'replayed', id: entry.id }, `${entry.id}  sent again`)
      } catch (error) {
        if (!(error instanceof PipelineError) || error.code === 'STREAM') throw error
        output.note(error.message)
        process.exitCode = exitCodes.failure
      }
    }
  })
}
