import { clusterNames } from '../service/cluster-names.ts'
import { findPicture, type Whereabouts } from '../service/find-picture.ts'
import { readQuarantineTopic } from '../service/read-quarantine.ts'
import { readState } from '../service/read-state.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { textTable, timeText } from './text-table.ts'
import { withPipeline } from './with-pipeline.ts'

/** What is told of a picture, by name; numbers stay numbers. */
function facts(found: Whereabouts): Readonly<Record<string, string | number>> {
  if (found.where === 'quarantine') {
    const { id, record } = found.entry
    return { quarantine: id, code: record.code, why: record.message, attempts: record.attempts }
  }
  if (found.where === 'seen before') {
    return found.picture === undefined ? {} : { group: found.picture.group }
  }
  const { source, at, group } = found.picture
  const common = { source, at, group }
  if (found.where !== 'buffer') return common
  const { identity, untrusted, half } = found.picture
  return { ...common, half, untrusted, ...(identity !== undefined && { identity }) }
}

const titles: Readonly<Record<string, string>> = {
  at: 'taken',
  group: 'duplicates of',
  half: 'half of the buffer',
  identity: 'cluster',
  untrusted: 'rounds untrusted',
}

/** `contrastream image show` */
export async function imageShow(
  [prefix]: readonly (string | readonly string[])[],
  options: GlobalOptions,
): Promise<void> {
  const { config, output } = contextOf('image show', options)
  await withPipeline(config, async (pipeline) => {
    const { state } = await readState(pipeline)
    const quarantined = await readQuarantineTopic(pipeline.stream, config.name)
    const found = findPicture(state, quarantined, String(prefix))
    const told = facts(found)
    const name = (await clusterNames(pipeline.documents, state)).get(Number(told['identity']))
    // Of pictures seen long ago only half of the id is known.
    const stored =
      found.id.length === 64 ? await pipeline.blobs.stat('pictures', found.id) : undefined
    const bytes = stored?.bytes
    output.result({ event: 'image', id: found.id, where: found.where, ...told, name, bytes }, () =>
      textTable([
        ['picture', found.id],
        ['where', found.where],
        ...Object.entries(told).map(([key, value]) => [
          titles[key] ?? key,
          key === 'at' ? timeText(Number(value)) : String(value),
        ]),
        ...(name === undefined ? [] : [['name', name]]),
        ['bytes', bytes === undefined ? 'not stored any more' : String(bytes)],
      ]),
    )
  })
}
