import { InputError, MissingError } from '../errors.ts'
import { readState } from '../service/read-state.ts'
import { clusterName } from './clusters.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { withPipeline } from './with-pipeline.ts'

/** `contrastream image show` */
export function imageShow(
  [id]: readonly (string | readonly string[])[],
  options: GlobalOptions,
): Promise<void> {
  const { config, output } = contextOf('image show', options)
  return withPipeline(config, async (pipeline) => {
    const { state } = await readState(pipeline)
    const { a, b, monitor } = state.heldOut
    const all = [
      ...[...state.buffer.entries.values()].map((picture) => ({ where: 'buffer', picture })),
      ...a.map((picture) => ({ where: 'probe A', picture })),
      ...b.map((picture) => ({ where: 'probe B', picture })),
      ...monitor.map((picture) => ({ where: 'monitor set', picture })),
    ]
    const found = all.filter(({ picture }) => picture.id.startsWith(String(id)))
    const [one, ...others] = found
    if (others.length > 0) {
      throw new InputError(`image: expected one picture, ${found.length} begin with ${id}`)
    }
    if (one === undefined) {
      const isSeen = [...state.seen.ids].some((known) => known.startsWith(String(id).slice(0, 32)))
      const got = isSeen ? 'one that was seen and is kept no longer' : 'none'
      throw new MissingError(`image: expected a kept picture ${id}, got ${got}`)
    }
    const { where, picture } = one
    const identity = 'identity' in picture ? (picture.identity as number | undefined) : undefined
    const untrusted = 'untrusted' in picture ? Number(picture.untrusted) : 0
    const name =
      identity === undefined ? undefined : await clusterName(pipeline.documents, identity)
    const stored = await pipeline.blobs.stat('pictures', picture.id)
    const { source, at, group } = picture
    output.result(
      {
        event: 'image',
        id: picture.id,
        where,
        source,
        at,
        group,
        identity,
        name,
        untrusted,
        bytes: stored?.bytes,
      },
      () =>
        [
          `id         ${picture.id}`,
          `source     ${source}, ${new Date(at).toISOString()}`,
          `kept in    ${where}${stored === undefined ? ', its bytes are gone' : `, ${stored.bytes} bytes`}`,
          `group      ${group === picture.id ? 'its own' : `duplicate of ${group}`}`,
          `cluster    ${identity ?? 'none yet'}${name === undefined ? '' : ` (${name})`}`,
          `trust      ${untrusted === 0 ? 'trusted, or not judged yet' : `untrusted for ${untrusted} rounds`}`,
        ].join('\n'),
    )
  })
}
