import { randomStream } from '../engine/random.ts'
import { CheckpointError } from '../errors.ts'
import { preprocessingHash } from '../image/fingerprint.ts'
import type { Preprocessing } from '../image/options.ts'
import type { NextCheckpoint, Saved } from '../learn/checkpoint.ts'
import { watchDrift } from '../learn/drift.ts'
import { withoutPictures } from '../learn/forget.ts'
import { heldOutPictures } from '../learn/held-out.ts'
import { mergeRound } from '../learn/merge-round.ts'
import { type Outlets, type Publication, publish, releaseWithoutIndex } from '../learn/publish.ts'
import type { RoundResult } from '../learn/round.ts'
import type { LearnerState } from '../learn/state.ts'
import type { RoundInput as FrozenRound } from '../registry/checkpoint-head.ts'
import { digestOf } from '../registry/digest.ts'
import type { GateReport } from '../registry/gate-report.ts'
import { type Manifest, manifestBytes } from '../registry/manifest.ts'
import { manifestFile, type VersionFiles } from '../registry/version-files.ts'
import type { JsonObject } from '../store/types.ts'
import type { RoundEnded } from './events.ts'
import type { LearnerMemory, LearnerParts } from './learner-memory.ts'
import { programVersion } from './program-version.ts'
import { roundInput } from './round-input.ts'
import { centroidsFile, floatBytes, meanFile } from './version-model.ts'

/** What the rounds of a learner share with it. */
export interface RoundsContext {
  readonly parts: LearnerParts
  readonly memory: LearnerMemory
  readonly out: Outlets
  /** Runs what changes state or checkpoint, one at a time; not to be nested. */
  exclusively<T>(work: () => Promise<T>): Promise<T>
  /** Writes a checkpoint of what is in memory; to be called exclusively. */
  write(changes?: { readonly round?: FrozenRound | undefined }): Promise<void>
  content(changes?: { readonly round?: FrozenRound | undefined }): NextCheckpoint
  /** Notes a checkpoint that was written. */
  keep(saved: Saved): void
  useStable(): Promise<void>
}

/** Rounds of a learner, each from a frozen input. */
export interface LearnerRounds {
  /** Publishes the baseline at the first start of a pipeline. */
  publishBaseline(): Promise<void>
  /** Freezes the state and runs a round on it. */
  begin(): Promise<RoundEnded>
  /** Runs, or repeats, the round that a checkpoint froze. */
  run(frozen: LearnerState, round: FrozenRound): Promise<RoundEnded>
}

const plain = (value: unknown): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject

/** Rounds over the learner's memory. */
export function learnerRounds(context: RoundsContext): LearnerRounds {
  const { parts, memory, out, exclusively, write, content, keep, useStable } = context
  const { pipeline, config, thread, engine, baseline, preprocessing, now, onEvent } = parts
  const { registry } = pipeline

  const manifestOf = (
    files: VersionFiles,
    more: Pick<Manifest, 'dim' | 'centred'> & Partial<Manifest>,
    n: number,
  ): Manifest => ({
    format: 1,
    name: config.name,
    lineage: config.lineage,
    n,
    at: now(),
    files: Object.entries(files).map(([path, bytes]) => manifestFile(path, bytes)),
    preprocessing: {
      hash: preprocessingHash(preprocessing),
      settings: plain(preprocessing satisfies Preprocessing),
    },
    engine: engine.name,
    offsets: { ...memory.offsets },
    software: { contrastream: programVersion, node: process.versions.node },
    fence: out.fence,
    ...more,
  })

  /** Publishes under the number of the manifest, with what is in memory as its checkpoint. */
  const publishNow = async (version: Omit<Publication, 'next'>): Promise<string> => {
    if (memory.saved === undefined)
      throw new CheckpointError('publish: expected a checkpoint before')
    const model = { ...memory.saved.head.model, next: version.manifest.n }
    const next = { ...content({ round: undefined }), model }
    const done = await publish(memory.saved, { ...version, next }, out)
    keep(done.saved)
    return done.entry.version
  }

  const publishBaseline = async () => {
    if ((await registry.stable.read()) !== undefined) return
    const n = Math.max(memory.saved?.head.model.next ?? 1, await registry.versions.next())
    const manifest = manifestOf(baseline.files, { dim: baseline.dim, centred: false }, n)
    await exclusively(async () => {
      await write()
      await publishNow({ manifest, files: baseline.files })
    })
    await releaseWithoutIndex(out, { promotion: 'auto' })
  }

  /** Pictures of buffer and probes whose bytes can no longer be had. */
  const goneIds = async (): Promise<ReadonlySet<string>> => {
    const { buffer, heldOut } = memory.state
    const known = [...buffer.entries.keys(), ...heldOutPictures(heldOut).map(({ id }) => id)]
    return new Set(await thread.call.ensure({ ids: known }))
  }

  const begin = async (): Promise<RoundEnded> => {
    const gone = await goneIds()
    const begun = await exclusively(async () => {
      if (gone.size > 0) memory.state = withoutPictures(memory.state, gone)
      const number = Math.max(await registry.audit.nextRound(), memory.random.rounds + 1)
      memory.random.rounds = number
      await write()
      const round: FrozenRound = {
        number,
        seed: randomStream(config.seed, 'round', number).integer(2 ** 31),
        champion: memory.champion.version,
        parts: memory.saved?.head.parts ?? {},
      }
      await write({ round })
      return { frozen: memory.state, round }
    })
    return run(begun.frozen, begun.round)
  }

  /** A drift watch over what the round has just seen. */
  const driftOf = async (ids: readonly string[], k: number, seed: number) => {
    if (!config.learn.start.onDrift) return undefined
    const { centroids, mean, surprises } = await thread.call.reference({ ids, k, seed })
    return watchDrift({ centroids, mean }, surprises, seed)
  }

  const gateOf = (result: Extract<RoundResult, { outcome: 'judged' }>): GateReport => ({
    verdict: result.verdict.verdict,
    reason: result.verdict.reason,
    champion: memory.champion.version,
    details: plain({ comparisons: result.verdict.comparisons, figures: result.verdict.figures }),
  })

  /** Publishes the candidate of a judged round, or keeps the verdict alone. */
  const conclude = async (
    result: Extract<RoundResult, { outcome: 'judged' }>,
    frozen: LearnerState,
    round: FrozenRound,
    ids: readonly string[],
  ) => {
    const { candidate, report, verdict } = result
    const gate = gateOf(result)
    const isPromoted = verdict.verdict === 'promote'
    const files: VersionFiles = {
      ...candidate.files,
      [meanFile]: floatBytes(candidate.mean),
      [centroidsFile]: floatBytes(candidate.centroids.data),
    }
    const n = memory.saved?.head.model.next ?? 1
    const manifest = manifestOf(
      files,
      {
        dim: candidate.dim,
        centred: true,
        parent: memory.champion.version,
        input: digestOf(new TextEncoder().encode(JSON.stringify(round.parts))),
        centroids: {
          rows: candidate.centroids.rows,
          dim: candidate.centroids.dim,
          file: centroidsFile,
        },
        training: plain(report),
        gate,
        offsets: { ...memory.saved?.head.offsets },
      },
      n,
    )
    const digest = isPromoted ? digestOf(manifestBytes(manifest)) : 'none'
    const drift = await driftOf(ids, report.k, round.seed)
    const done = await exclusively(async () => {
      const merged = mergeRound(frozen, memory.state, result, ids, digest)
      memory.state = { ...merged.state, drift }
      if (isPromoted) return { ...merged, version: await publishNow({ manifest, files }) }
      await write({ round: undefined })
      return { ...merged, version: undefined }
    })
    const { version } = done
    const entry = {
      format: 1 as const,
      lineage: config.lineage,
      round: round.number,
      at: now(),
      fence: out.fence,
      gate,
    }
    await registry.audit.recordRound(version === undefined ? entry : { ...entry, version })
    if (version !== undefined) {
      const released = await releaseWithoutIndex(out, { promotion: config.release.promotion })
      if (released?.released === false)
        onEvent({ event: 'not-released', version, why: released.why })
      await useStable()
    }
    return { version, churn: done.churn }
  }

  const run = async (frozen: LearnerState, round: FrozenRound): Promise<RoundEnded> => {
    const input = roundInput(parts, memory.champion, frozen, round)
    const ids = input.pictures.map(({ id }) => id)
    const k = input.settings.k ?? 0
    const fresh = input.pictures.filter(({ isFresh }) => isFresh).length
    memory.progress = {
      number: round.number,
      progress: { phase: 'embed', step: 0, steps: input.settings.steps, loss: 0, valid: 0 },
    }
    onEvent({ event: 'round-began', round: round.number, pictures: ids.length, fresh, k })
    try {
      const result = await thread.call.round({ input })
      const { training } = result.outcome === 'judged' ? result.report : result
      const said = {
        event: 'round' as const,
        round: round.number,
        pictures: ids.length,
        fresh,
        k,
        steps: training.steps,
        seconds: training.seconds,
        ended: training.ended,
        loss: training.loss,
        valid: training.valid,
      }
      if (result.outcome !== 'judged') {
        const { outcome, reason } = result
        await exclusively(async () => {
          const buffer = { ...memory.state.buffer, freshFrom: frozen.buffer.arrivals }
          memory.state = { ...memory.state, buffer }
          await write({ round: undefined })
        })
        const gate = { verdict: 'hold' as const, reason, champion: memory.champion.version }
        await registry.audit.recordRound({
          format: 1,
          lineage: config.lineage,
          round: round.number,
          at: now(),
          fence: out.fence,
          gate,
        })
        const ended: RoundEnded = {
          ...said,
          verdict: outcome,
          reason,
          version: undefined,
          churn: 0,
          needsPictures: undefined,
        }
        onEvent(ended)
        return ended
      }
      const { version, churn } = await conclude(result, frozen, round, ids)
      const { verdict, reason, needsPictures } = result.verdict
      const ended: RoundEnded = { ...said, verdict, reason, version, churn, needsPictures }
      onEvent(ended)
      return ended
    } finally {
      memory.progress = undefined
    }
  }

  return { publishBaseline, begin, run }
}
