import type { Engine } from '../engine/select.ts'
import type { LayersModel } from '../engine/tf.ts'
import { MissingError, VersionMismatchError } from '../errors.ts'
import type { Verdict } from '../learn/gate.ts'
import { judgeModels } from '../learn/judge-models.ts'
import { type PixelSource, picturesOf } from '../learn/pictures.ts'
import { probesOf } from '../learn/probes.ts'
import type { GateModel } from '../learn/signals.ts'
import { profileOf } from '../learn/start-rule.ts'
import type { LearnerState, Picture } from '../learn/state.ts'
import { centreRows } from '../metric/centre.ts'
import { loadArtifact } from '../model/artifact.ts'
import { checkArtifact } from './check-artifact.ts'
import { watchedFigures } from './gate-figures.ts'
import { labelledProbe } from './labelled-probe.ts'
import type { Pipeline } from './open-pipeline.ts'
import { resolveVersion } from './served-model.ts'
import { roundSettingsOf, startOf } from './settings.ts'
import { type PixelRun, storedPixels } from './stored-pixels.ts'
import { type VersionModel, versionModel } from './version-model.ts'

/** What the gate says of a version today. */
export interface Rejudged extends Verdict {
  readonly version: string
  /** What it was compared with. */
  readonly champion: string
  /** Pictures of the probes that the store still has, and those with the user's labels. */
  readonly probes: { readonly a: number; readonly b: number; readonly labelled: number }
  /** What was watched when it was made, and decides nothing; empty for a baseline. */
  readonly watched: Readonly<Record<string, number>>
}

/** Pictures of the buffer that the mean of a model without one is taken over, at most. */
const meanPictures = 1_000

/** Adds pictures whose pixels lie one after another. */
function put(byId: Map<string, Uint8Array>, { ids, pixels }: PixelRun): void {
  const each = pixels.length / ids.length
  for (const [i, id] of ids.entries()) byId.set(id, pixels.subarray(i * each, (i + 1) * each))
}

/** Decoded pictures in memory. */
function pixelsInMemory(byId: ReadonlyMap<string, Uint8Array>): PixelSource {
  return {
    read: async (ids) => {
      const each = byId.values().next().value?.length ?? 0
      const pixels = new Uint8Array(ids.length * each)
      for (const [i, id] of ids.entries()) {
        const picture = byId.get(id)
        if (picture === undefined) throw new MissingError(`rejudge: expected ${id}, got no pixels`)
        pixels.set(picture, i * each)
      }
      return pixels
    },
  }
}

/** What a version is compared with: `stable`, or, for the stable one itself, what that replaced. */
async function championOf(pipeline: Pipeline, version: string): Promise<string> {
  const { registry } = pipeline
  const stable = await resolveVersion(registry, 'stable')
  if (stable !== version) return stable
  const entry = await registry.versions.resolve(version)
  const parent = entry && (await registry.manifest(entry.manifest)).parent
  return parent ?? stable
}

/**
 * Judges a version again: against `stable`, on the held-out pictures of the last checkpoint.
 *
 * @param name - `stable`, `baseline` or a version.
 * @param note - Told what is left out of the labelled probe.
 * @returns `hold` without figures where too few pictures are held out.
 * @throws {@link MissingError} if there is no such version;
 * {@link VersionMismatchError} if the versions take pictures of different preprocessing.
 */
export async function rejudge(
  pipeline: Pipeline,
  state: LearnerState,
  engine: Engine,
  name: string,
  note: (text: string) => void,
): Promise<Rejudged> {
  const { registry, blobs, config } = pipeline
  const load = async (version: string) => versionModel(await registry.loadVersion(version))
  const published = await registry.loadVersion(await resolveVersion(registry, name))
  const candidate = versionModel(published)
  const champion = await load(await championOf(pipeline, candidate.version))
  const baseline = await load(await resolveVersion(registry, 'baseline'))
  for (const other of [champion, baseline]) {
    if (other.preprocessingHash === candidate.preprocessingHash) continue
    throw new VersionMismatchError(
      `gate: expected ${other.version} to take pictures as ${candidate.version} does, got another preprocessing`,
    )
  }
  const { minProbe, ...wanted } = probesOf(state, profileOf(state, startOf(config)))
  const forMean = [...state.buffer.entries.keys()].slice(-meanPictures)
  const ids = [...wanted.a, ...wanted.b].map(({ id }) => id).concat(forMean)
  const byId = new Map<string, Uint8Array>()
  for await (const run of storedPixels(blobs, config, candidate.preprocessing, ids)) put(byId, run)
  const labelled = await labelledProbe(config, candidate.preprocessing, note)
  if (labelled !== undefined) put(byId, labelled)
  const there = (pictures: readonly Picture[]) => pictures.filter(({ id }) => byId.has(id))
  const probes = { a: there(wanted.a), b: there(wanted.b) }
  const judging = labelled?.ids.length ?? 0
  const sizes = { a: probes.a.length, b: probes.b.length, labelled: judging }
  const watched = watchedFigures(published.manifest.gate)
  const told = { version: candidate.version, champion: champion.version, probes: sizes, watched }
  const missing = minProbe - sizes.a
  if (missing > 0) {
    const reason = `the probe has ${sizes.a} pictures, ${missing} too few`
    const nothing = { comparisons: {}, figures: {}, needsPictures: missing }
    return { ...told, verdict: 'hold', reason, ...nothing }
  }
  const { augmentation } = roundSettingsOf(config, engine, state)
  const source = pixelsInMemory(byId)
  const pictures = picturesOf(source, candidate.preprocessing, augmentation, config.seed)
  const sample = forMean.filter((id) => byId.has(id))
  const networks: LayersModel[] = []
  const opened = async (model: VersionModel): Promise<GateModel> => {
    const network = await loadArtifact(model.files)
    networks.push(network)
    const over = sample.length > 0 ? sample : probes.a.map((picture) => picture.id)
    const mean = model.mean ?? centreRows(await pictures.embed(network, over)).mean
    return { network, mean }
  }
  try {
    const models = {
      candidate: await opened(candidate),
      champion: await opened(champion),
      baseline: await opened(baseline),
    }
    const verdict = await judgeModels(
      models,
      champion.version === baseline.version,
      pictures,
      { probes, minProbe, labelled },
      config.seed,
      async (expected, some) => {
        const { files, preprocessing } = candidate
        const check = { files, pixels: await source.read(some), preprocessing, engine: engine.name }
        return checkArtifact(check, expected)
      },
    )
    return { ...told, ...verdict }
  } finally {
    for (const network of networks) network.dispose()
  }
}
