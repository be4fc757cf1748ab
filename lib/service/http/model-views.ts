import { MissingError } from '../../errors.ts'
import type { LogisticCurve } from '../../metric/calibration.ts'
import { announce } from '../../registry/announce.ts'
import type { ChannelState } from '../../registry/channel-document.ts'
import type { ByHand } from '../../registry/operator.ts'
import { gateFigures } from '../gate-figures.ts'
import { promoteRelease, rollbackRelease } from '../move-release.ts'
import type { Pipeline } from '../open-pipeline.ts'
import { releaseCalibration } from '../release-calibration.ts'
import { roundUnderWay } from '../round-progress.ts'
import { resolveVersion } from '../served-model.ts'
import { versionList } from '../version-list.ts'
import type { ChannelView, ModelView, TimelineView, TrainingView } from './views.ts'

/** A move of `stable` that somebody asks for. */
export interface MoveRequest {
  readonly by: string
  /** The version that `stable` names as far as the asker knows. */
  readonly expects: string
  readonly reason?: string | undefined
}

/** What registry and audit tell, and how a person moves `stable`. */
export interface ModelCalls {
  models(): Promise<TimelineView>
  model(asked: { readonly version: string }): Promise<ModelView>
  training(): Promise<TrainingView>
  channel(): Promise<ChannelView>
  /** See {@link releaseCalibration}. */
  calibration(asked: { readonly version: string }): Promise<LogisticCurve | undefined>
  promote(asked: MoveRequest & { readonly version: string }): Promise<ChannelView>
  rollback(asked: MoveRequest): Promise<ChannelView>
}

function channelView({ version, generation, pinned, previous }: ChannelState): ChannelView {
  return { stable: version, generation, pinned, previous: previous?.version }
}

/** Longest that a request waits for an index, ms: clients and proxies give up after a while. */
const defaultIndexWaitMs = 20_000

/**
 * {@link ModelCalls} over the stores of a pipeline.
 *
 * @param indexWaitMs - Longest that a promotion waits for its index.
 */
export function modelCalls(
  { registry, stream, documents, config }: Pipeline,
  now: () => number,
  indexWaitMs: number = defaultIndexWaitMs,
): ModelCalls {
  async function moveByHand(
    { by, expects, reason }: MoveRequest,
    otherwise: string,
    move: (byHand: ByHand) => Promise<ChannelState>,
  ): Promise<ChannelView> {
    const state = await move({ by, at: now(), why: reason ?? otherwise, expects })
    await announce(stream, registry.name, state)
    return channelView(state)
  }
  return {
    models: async () => ({ entries: [...(await versionList(registry))] }),
    model: async ({ version: name }) => {
      const entry = await registry.versions.resolve(await resolveVersion(registry, name))
      if (entry === undefined) {
        throw new MissingError(`${name}: expected a published version, there is none of that name`)
      }
      const { version, manifest: manifestSha256 } = entry
      const manifest = await registry.manifest(manifestSha256)
      const { at, lineage, parent, dim, preprocessing, files, gate, training } = manifest
      const moves = await registry.audit.moves('stable')
      const served = moves
        .filter((one) => one.version === version)
        .map(({ move }) => ({ from: move.at, by: move.by, why: move.why }))
      return {
        ...{ version, manifestSha256, at, lineage, parent, dim, preprocessing, training, served },
        files: [...files],
        gate: gate && { ...gate },
      }
    },
    training: async () => {
      const rounds = await registry.audit.rounds()
      const underWay = await roundUnderWay(documents, config.lineage, now())
      return {
        ...(underWay && { underWay }),
        rounds: rounds.toReversed().map(({ round, at, version, gate }) => ({
          round,
          at,
          version,
          verdict: gate.verdict,
          reason: gate.reason,
          figures: Object.fromEntries(gateFigures(gate)),
        })),
      }
    },
    channel: async () => {
      const state = await registry.stable.read()
      if (state !== undefined) return channelView(state)
      throw new MissingError('stable: expected a published version, there is none yet')
    },
    calibration: ({ version }) => releaseCalibration(registry, version),
    promote: ({ version, ...asked }) =>
      moveByHand(asked, 'promoted by hand', (byHand) =>
        promoteRelease(registry, version, byHand, { signal: AbortSignal.timeout(indexWaitMs) }),
      ),
    rollback: (asked) =>
      moveByHand(asked, 'rolled back by hand', (byHand) => rollbackRelease(registry, byHand)),
  }
}
