import { StreamError } from '../errors.ts'
import { hintKey, writeHint } from '../stream/hint.ts'
import { topicNames } from '../stream/topics.ts'
import type { StreamPort } from '../stream/types.ts'
import type { ChannelState } from './channel-document.ts'

/** Settings of {@link announce}. */
export interface AnnounceOptions {
  /** Name of the topic of hints. Default `models.published`. */
  readonly topic?: string
  /** When to give up, ms. Default 30,000. */
  readonly deadlineMs?: number
}
/** Defaults of {@link AnnounceOptions}. */
export const defaultAnnounceOptions: Required<AnnounceOptions> = {
  topic: topicNames.published,
  deadlineMs: 30_000,
}

/**
 * Says that a channel has moved, and waits until that is stored. Harmless to repeat: readers look
 * at the channel itself.
 *
 * @param stream - Where readers listen.
 * @param name - Name of the pipeline.
 * @param state - The channel as it stands.
 * @throws {@link StreamError}, retryable, if it is not known to be stored within the deadline.
 */
export async function announce(
  stream: StreamPort,
  name: string,
  state: ChannelState,
  options: AnnounceOptions = {},
): Promise<void> {
  const { topic, deadlineMs } = { ...defaultAnnounceOptions, ...options }
  const { channel, seq, version, generation, manifest: manifestSha256, fence, move } = state
  const value = writeHint({
    v: 1,
    name,
    channel,
    seq,
    version,
    ...(generation !== undefined && { generation }),
    manifestSha256,
    fence,
    at: new Date(move.at).toISOString(),
  })
  const [result] = await stream.send(topic, [{ key: hintKey({ name, channel }), value }], {
    deadlineMs,
  })
  if (result?.outcome === 'acked') return
  const got = result ? `${result.outcome} (${result.reason})` : 'no answer'
  throw new StreamError(`${topic}: expected the hint to be acknowledged, got ${got}`, {
    retryable: true,
  })
}
