import { PipelineError } from '../../errors.ts'
import { type Accepted, type AcceptParts, acceptPicture, type Upload } from '../accept-picture.ts'
import { erasedIds, isErased, requestErasure } from '../erasures.ts'
import type { Pipeline } from '../open-pipeline.ts'
import { type QuarantineEntry, readQuarantineTopic } from '../read-quarantine.ts'
import { replayQuarantined } from '../replay-quarantine.ts'
import { requestRound } from '../requests.ts'
import { listTokens, type Token } from '../tokens.ts'
import { type LearnerCalls, learnerCalls } from './learner-views.ts'
import { type ModelCalls, modelCalls } from './model-views.ts'
import { stateReader } from './state-reader.ts'
import type { ErasureView, QuarantineView, ReplayedView, RoundRequestView } from './views.ts'

/** Who asks for something that changes the pipeline, and why. */
export interface Wish {
  readonly by: string
  readonly reason?: string | undefined
}

/**
 * What the server asks of the stores. Each call has one plain argument and a plain answer, so that
 * all of it can live in another thread than the server's: SQLite blocks the one that uses it.
 */
export interface StoreCalls extends LearnerCalls, ModelCalls {
  accept(upload: Upload): Promise<Accepted>
  /** The bytes of a picture, for its thumbnail; absent if it is not stored. */
  pictureBytes(asked: { readonly id: string }): Promise<Uint8Array | undefined>
  quarantine(): Promise<QuarantineView>
  replay(asked: { readonly ids: readonly number[]; readonly code?: string }): Promise<ReplayedView>
  askForRound(wish: Wish): Promise<RoundRequestView>
  forget(wish: Wish & { readonly id: string }): Promise<ErasureView>
  erased(): Promise<ReadonlySet<string>>
  tokens(): Promise<readonly Token[]>
}

/** For how long records set aside are not read again, ms. */
const quarantineFreshMs = 2_000
const shownOfQuarantine = 500

/** Answers of one reading for all who ask at the same time, and shortly after. */
function shared<T>(read: () => Promise<T>, freshMs: number): () => Promise<T> {
  let last: { readonly at: number; readonly value: Promise<T> } | undefined
  return () => {
    if (last !== undefined && performance.now() - last.at < freshMs) return last.value
    const mine = { at: performance.now(), value: read() }
    last = mine
    mine.value.catch(() => {
      if (last === mine) last = undefined
    })
    return mine.value
  }
}

function quarantineView(entries: readonly QuarantineEntry[]): QuarantineView {
  const byCode: Record<string, number> = {}
  for (const { record } of entries) byCode[record.code] = (byCode[record.code] ?? 0) + 1
  const shown = entries.slice(-shownOfQuarantine).toReversed()
  return {
    total: entries.length,
    byCode,
    entries: shown.map(({ id, record }) => {
      const { code, message: why, role, attempts, lastSeen, envelope } = record
      const picture = envelope?.['sha256']
      const named = typeof picture === 'string' ? { picture } : {}
      return { id, code, why, role, attempts, lastSeen, ...named }
    }),
  }
}

/** {@link StoreCalls} over the stores of a pipeline, in the thread that calls. */
export function storeCalls(
  pipeline: Pipeline,
  accepting: Omit<AcceptParts, 'blobs' | 'stream' | 'isErased'>,
  now: () => number,
): StoreCalls {
  const { documents, blobs, stream, config } = pipeline
  const quarantined = shared(() => readQuarantineTopic(stream, config.name), quarantineFreshMs)
  const parts: AcceptParts = {
    ...accepting,
    blobs,
    stream,
    isErased: (id) => isErased(documents, id),
  }
  return {
    ...modelCalls(pipeline, now),
    ...learnerCalls(pipeline, stateReader(pipeline), quarantined),
    accept: (upload) => acceptPicture(parts, upload),
    pictureBytes: ({ id }) => blobs.get('pictures', id, { maxBytes: config.limits.bytes }),
    quarantine: async () => quarantineView(await quarantined()),
    replay: async ({ ids, code }) => {
      const entries = await quarantined()
      const chosen = entries.filter(({ id, record }) => ids.includes(id) || record.code === code)
      const answer: ReplayedView = { sent: [], refused: [] }
      for (const entry of chosen) {
        try {
          await replayQuarantined(pipeline, entry)
          answer.sent.push(entry.id)
        } catch (error) {
          if (!(error instanceof PipelineError) || error.code === 'STREAM') throw error
          answer.refused.push({ id: entry.id, code: error.code, why: error.message })
        }
      }
      return answer
    },
    askForRound: async ({ by, reason }) => {
      const why = reason ?? 'asked over HTTP'
      const { seq } = await requestRound(documents, { by, at: now(), why })
      return { request: seq }
    },
    forget: async ({ id, by, reason }) => {
      const asked = { by, at: now(), why: reason ?? 'asked over HTTP' }
      return { id, again: (await requestErasure(documents, id, asked)).wasAsked }
    },
    erased: () => erasedIds(documents),
    tokens: () => listTokens(documents),
  }
}
