import { StreamError } from '../errors.ts'
import type { SendResult, StreamPort } from '../stream/types.ts'
import { canonicalJson } from './canonical.ts'
import type { ChannelState } from './channel-document.ts'

/** Topic of hints; compacted by pipeline name and channel. */
export const hintTopic = 'models.published'

/** Word that a channel has moved. Readers re-read the channel: a lost hint costs only time. */
export interface Hint {
  readonly v: 1
  /** Name of the pipeline. */
  readonly name: string
  readonly channel: string
  readonly seq: number
  readonly version: string
  readonly generation?: string
  readonly manifestSha256: string
  readonly fence: number
  /** When the channel moved, ms since 1970. */
  readonly at: number
}

/** The hint about a channel as it stands. */
export function hintOf(name: string, state: ChannelState): Hint {
  const { channel, seq, version, generation, manifest, fence, move } = state
  return {
    v: 1,
    name,
    channel,
    seq,
    version,
    ...(generation !== undefined && { generation }),
    manifestSha256: manifest,
    fence,
    at: move.at,
  }
}

/**
 * Sends a hint and waits until it is stored.
 *
 * @throws {@link StreamError}, retryable, if that is not known within the deadline.
 */
export async function sendHint(
  stream: StreamPort,
  hint: Hint,
  { deadlineMs = 30_000 }: { readonly deadlineMs?: number } = {},
): Promise<void> {
  const key = new TextEncoder().encode(`${hint.name}/${hint.channel}`)
  const results = await stream.send(hintTopic, [{ key, value: canonicalJson(hint) }], {
    deadlineMs,
  })
  const result: SendResult | undefined = results[0]
  if (result?.outcome === 'acked') return
  const got = result ? `${result.outcome} (${result.reason})` : 'no answer'
  throw new StreamError(`${hintTopic}: expected the hint to be acknowledged, got ${got}`, {
    retryable: true,
  })
}
