import { announce } from '../registry/announce.ts'
import type { ChannelState } from '../registry/channel-document.ts'
import { attachGeneration, releaseCandidate } from '../registry/release.ts'
import { failGeneration, judgeGeneration } from '../search/build-generation.ts'
import { type Generation, generationSize } from '../search/generation.ts'
import { topicNames } from '../stream/topics.ts'
import type { EmbedderContext } from './embedder-context.ts'
import { recallOf, type WorkingGeneration } from './embedder-generation.ts'

/** Tells how a generation stands. */
function tell({ parts }: EmbedderContext, { id, state, reason, ...rest }: Generation): void {
  const said = {
    event: 'generation',
    generation: id,
    state,
    vectors: generationSize(rest),
  } as const
  parts.onEvent(reason === undefined ? said : { ...said, reason })
}

/**
 * Measures the generation that is built once it is complete, and moves `stable` to it and its
 * version by one swap, if the rules allow that now. Repeating it is harmless.
 */
export async function concludeGeneration(
  context: EmbedderContext,
  one: WorkingGeneration,
): Promise<void> {
  const { parts, options, all } = context
  const { registry, stream } = parts
  const marks = await stream.watermarks(topicNames.unlabeled)
  const present = (await all.read(one.id)) ?? one.document
  const judged = await judgeGeneration(all, present, {
    partitions: marks.map(({ partition }) => partition),
    minCoverage: options.minCoverage,
    minRecall: options.minRecall,
    recall: (document) => recallOf(registry.blobs, one, document),
  })
  if (judged.state !== present.state) tell(context, judged)
  if (judged.state !== 'ready') return
  const state = await release(context, judged)
  if (state === undefined) return
  await announce(stream, registry.name, state)
  const { id: generation, version } = judged
  const vectors = generationSize(judged)
  parts.onEvent({ event: 'released', version, generation, vectors })
}

/** Gives a generation up whose model does not load. */
export async function concludeFailed(
  context: EmbedderContext,
  { id }: Generation,
  reason: string,
): Promise<void> {
  tell(context, await failGeneration(context.all, id, reason))
}

/**
 * Finishes what a kill may have interrupted behind the move of `stable`: its audit and its hint.
 * To be called at every start.
 */
export async function confirmRelease(
  { parts }: EmbedderContext,
  { version, generation }: ChannelState,
): Promise<void> {
  if (generation === undefined) return
  const { registry, stream, by, now } = parts
  const state = await attachGeneration(registry, { version, generation }, { by, at: now() })
  if (state !== undefined) await announce(stream, registry.name, state)
}

/** Moves `stable`; `undefined` where the rules make that void, or have it wait. */
async function release(
  { parts, options }: EmbedderContext,
  { id: generation, version, manifest }: Generation,
): Promise<ChannelState | undefined> {
  const { registry, by } = parts
  const mover = { by, at: parts.now() }
  const attached = await attachGeneration(registry, { version, generation }, mover)
  if (attached !== undefined) return attached
  const entry = { format: 1, version, manifest } as const
  const { promotion } = options
  const released = await releaseCandidate(registry, entry, { ...mover, promotion, generation })
  return released.released ? released.state : undefined
}
