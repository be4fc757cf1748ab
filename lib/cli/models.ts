import { userInfo } from 'node:os'
import { MissingError } from '../errors.ts'
import { announce } from '../registry/announce.ts'
import type { ChannelState } from '../registry/channel-document.ts'
import type { Manifest } from '../registry/manifest.ts'
import type { ByHand } from '../registry/operator.ts'
import type { Registry } from '../registry/registry.ts'
import { gateFigures } from '../service/gate-figures.ts'
import { promoteRelease, rollbackRelease } from '../service/move-release.ts'
import type { Pipeline } from '../service/open-pipeline.ts'
import { resolveVersion } from '../service/served-model.ts'
import { type ListedVersion, type TimelineEntry, versionList } from '../service/version-list.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { textTable, timeText } from './text-table.ts'
import { withPipeline } from './with-pipeline.ts'

type Args = readonly (string | readonly string[])[]

interface ReasonOptions extends GlobalOptions {
  readonly reason?: string
}
interface RollbackOptions extends ReasonOptions {
  readonly to?: string
}
/** What a version is at present, in words. */
function roleOf({ isStable, isPrevious, isCandidate, isPinned }: ListedVersion): string {
  if (isStable) return isPinned ? 'stable (pinned)' : 'stable'
  if (isPrevious) return 'previous'
  return isCandidate ? 'candidate' : ''
}

function rowOf(entry: TimelineEntry): readonly string[] {
  const { at, verdict, reason } = entry
  const isVersion = entry.event === 'version'
  const name = isVersion ? entry.version : `(round ${entry.round})`
  const parent = isVersion ? entry.parent : entry.champion
  return [name, timeText(at), parent ?? '', isVersion ? roleOf(entry) : '', verdict, reason]
}

/** `contrastream models list` */
export async function modelsList(_: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('models list', options)
  const entries = await withPipeline(config, ({ registry }) => versionList(registry))
  if (output.isJson) {
    for (const entry of entries) output.result({ ...entry }, '')
    return
  }
  if (entries.length === 0) return output.note('no versions yet: `contrastream run` makes them')
  const head = ['version', 'date', 'parent', 'role', 'verdict', 'reason']
  output.result({}, textTable([head, ...entries.map(rowOf)]))
}

/** A version's manifest. @throws {@link MissingError} if there is none of that name. */
async function manifestOf(
  registry: Registry,
  name: string,
): Promise<{ readonly version: string; readonly digest: string; readonly manifest: Manifest }> {
  const entry = await registry.versions.resolve(await resolveVersion(registry, name))
  if (entry === undefined) {
    throw new MissingError(`${name}: expected a version out of \`models list\`, there is none`)
  }
  const { version, manifest: digest } = entry
  return { version, digest, manifest: await registry.manifest(digest) }
}

/** What the cosines of a version mean, in words. */
function calibrationText(calibration: Manifest['calibration']): string {
  if (calibration === undefined) return 'none'
  const { alpha, beta, pairsSame, pairsDifferent, source } = calibration
  const [a, b] = [alpha, beta].map((value) => Number(value).toFixed(3))
  const biased =
    source === 'pseudo' ? ' of its own clusters, to which it is biased' : ' of your classes'
  return `P(same) = 1/(1 + exp((${a} − cosine)/${b})), on ${pairsSame} same and ${pairsDifferent} different pairs${biased}`
}

const figureText = (value: number | undefined): string => value?.toFixed(3) ?? '–'

/** `contrastream models show` */
export async function modelsShow([name]: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('models show', options)
  await withPipeline(config, async ({ registry }) => {
    const { version, digest, manifest } = await manifestOf(registry, String(name))
    const listed = (await versionList(registry)).find(
      (one): one is ListedVersion => one.event === 'version' && one.version === version,
    )
    const moves = (await registry.audit.moves('stable')).filter((one) => one.version === version)
    output.result({ ...listed, digest, manifest, moves }, () => {
      const { preprocessing, gate, files } = manifest
      return [
        textTable([
          ['version', `${version} ${listed === undefined ? '' : roleOf(listed)}`],
          ['manifest', digest],
          ['made', `${timeText(manifest.at)} on ${manifest.engine}, lineage ${manifest.lineage}`],
          ['parent', manifest.parent ?? 'none'],
          ['gate', gate === undefined ? 'none: the frozen backbone' : gate.verdict],
          ['why', gate?.reason ?? ''],
          ['cosines', calibrationText(manifest.calibration)],
          ['vectors', `${manifest.dim} numbers${manifest.centred ? ', centred' : ''}`],
          ['pictures', `${JSON.stringify(preprocessing.settings)} (${preprocessing.hash})`],
          ['files', files.map(({ path, bytes }) => `${path} ${bytes} B`).join(', ')],
        ]),
        ...moves.map(({ move }) => `stable from ${timeText(move.at)} by ${move.by}: ${move.why}`),
        textTable([...gateFigures(gate)].map(([key, value]) => [key, figureText(value)])),
      ]
        .filter((text) => text !== '')
        .join('\n')
    })
  })
}

/** `contrastream models diff` */
export async function modelsDiff([first, second]: Args, options: GlobalOptions): Promise<void> {
  const { config, output } = contextOf('models diff', options)
  await withPipeline(config, async ({ registry }) => {
    const a = await manifestOf(registry, String(first))
    const b = await manifestOf(registry, String(second))
    const figures = { a: gateFigures(a.manifest.gate), b: gateFigures(b.manifest.gate) }
    const names = [...new Set([...figures.a.keys(), ...figures.b.keys()])]
    const sides = [a, b].map(({ version, manifest: { at, parent, gate, dim } }) => ({
      version,
      at,
      parent,
      verdict: gate?.verdict ?? 'baseline',
      reason: gate?.reason,
      dim,
    }))
    const rows = names.map((name) => ({ name, a: figures.a.get(name), b: figures.b.get(name) }))
    output.result({ event: 'diff', versions: sides, figures: rows }, () =>
      textTable([
        ['', a.version, b.version],
        ['made', timeText(a.manifest.at), timeText(b.manifest.at)],
        ['parent', a.manifest.parent ?? 'none', b.manifest.parent ?? 'none'],
        ['gate', ...sides.map(({ verdict }) => verdict)],
        ['numbers a vector', String(a.manifest.dim), String(b.manifest.dim)],
        ...rows.map((row) => [row.name, figureText(row.a), figureText(row.b)]),
      ]),
    )
  })
}

/** Moves `stable` by hand, and says so to whoever listens. */
async function moveByHand(
  { registry, stream }: Pipeline,
  why: string,
  move: (byHand: ByHand) => Promise<ChannelState>,
): Promise<ChannelState> {
  const state = await move({ by: `cli:${userInfo().username}`, at: Date.now(), why })
  await announce(stream, registry.name, state)
  return state
}

/** `contrastream models promote` */
export async function modelsPromote([name]: Args, options: ReasonOptions): Promise<void> {
  const { config, output } = contextOf('models promote', options)
  await withPipeline(config, async (pipeline) => {
    const { registry } = pipeline
    const why = options.reason ?? 'promoted by hand'
    const state = await moveByHand(pipeline, why, (byHand) =>
      promoteRelease(registry, String(name), byHand, { tell: output.note }),
    )
    const { version, pinned, previous } = state
    output.result(
      { event: 'promoted', stable: version, pinned, previous: previous?.version },
      `stable is ${version}`,
    )
  })
}

/** `contrastream models rollback` */
export async function modelsRollback(_: Args, options: RollbackOptions): Promise<void> {
  const { config, output } = contextOf('models rollback', options)
  await withPipeline(config, async (pipeline) => {
    const { to } = options
    const why = options.reason ?? 'rolled back by hand'
    const state = await moveByHand(pipeline, why, (byHand) =>
      rollbackRelease(pipeline.registry, { ...byHand, ...(to !== undefined && { to }) }),
    )
    const { version, pinned, previous } = state
    output.result(
      { event: 'rolled-back', stable: version, pinned, previous: previous?.version },
      `stable is ${version}, pinned there until \`models promote\``,
    )
  })
}
