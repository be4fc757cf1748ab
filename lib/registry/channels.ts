import { LeaseLostError } from '../errors.ts'
import type { DocumentStore, Tag } from '../store/types.ts'
import { recordMove } from './audit.ts'
import { plainJson } from './canonical.ts'
import {
  type ChannelName,
  type ChannelState,
  channelKind,
  isSameRelease,
  type Move,
  type Release,
  releaseOf,
} from './channel-document.ts'
import { readDocument, readFound, writeOver } from './document.ts'

/** How a channel is moved. */
export interface MoveOptions {
  readonly move: Move
  /** The mover's lease number; absent for people, who need no lease. */
  readonly fence?: number
  /** Move only if the channel still stands at this `seq`; 0: if there is none yet. */
  readonly ifSeq?: number
  /** Default: as it is while the release stays the same, else false. */
  readonly pinned?: boolean
  /** Default: as it is while the release stays the same, else false. */
  readonly approved?: boolean
}

/** What became of a move. */
export type Moved =
  | { readonly moved: true; readonly state: ChannelState }
  /** Somebody else moved it first, to `current`. */
  | { readonly moved: false; readonly current: ChannelState | undefined }

/** A document that moves from release to release, with an audit that has no gap. */
export interface Channel {
  read(): Promise<ChannelState | undefined>
  /**
   * Moves it by one swap. To be where it was asked to go already is success, and no new move.
   *
   * @throws {@link LeaseLostError} if a later holder of the lease has moved or adopted it.
   */
  move(target: Release, options: MoveOptions): Promise<Moved>
  /**
   * Writes a new holder's fence into it, so that whatever an earlier holder still tries fails.
   *
   * @throws {@link LeaseLostError} if a later holder has it.
   */
  adopt(fence: number): Promise<void>
}

/** Key of a channel's document. */
const channelKey = (name: ChannelName): string => `channels/${name}`

/** {@link Channel} over any document store. */
export function channel(documents: DocumentStore, name: ChannelName): Channel {
  const key = channelKey(name)

  async function find(): Promise<{ state: ChannelState; tag: Tag } | undefined> {
    const found = await readFound(documents, key)
    return found && { state: readDocument(key, found.value, channelKind), tag: found.tag }
  }
  /** Every change is audited on both sides: what it replaces, then what it became. */
  async function write(
    next: ChannelState,
    present?: { state: ChannelState; tag: Tag },
  ): Promise<boolean> {
    if (present) await recordMove(documents, present.state)
    const { ok } = await writeOver(documents, key, plainJson(next), present)
    if (ok) await recordMove(documents, next)
    return ok
  }

  return {
    async read() {
      return (await find())?.state
    },
    async move(target, options) {
      for (;;) {
        const present = await find()
        const state = present?.state
        assertFence(key, state, options.fence)
        const next = moved(name, state, target, options)
        if (state !== undefined && next.seq === state.seq) {
          if (next.fence === state.fence) await recordMove(documents, state)
          else if (!(await write(next, present))) continue
          return { moved: true, state: next }
        }
        if (options.ifSeq !== undefined && options.ifSeq !== (state?.seq ?? 0)) {
          return { moved: false, current: state }
        }
        if (await write(next, present)) return { moved: true, state: next }
        // Lost: look again. Another's fence alone does not change what this move means.
      }
    },
    async adopt(fence) {
      for (;;) {
        const present = await find()
        assertFence(key, present?.state, fence)
        if (!present || present.state.fence === fence) return
        if (await write({ ...present.state, fence }, present)) return
      }
    },
  }
}

function assertFence(key: string, state: ChannelState | undefined, fence?: number): void {
  if (fence !== undefined && state !== undefined && state.fence > fence) {
    throw new LeaseLostError(`${key}: expected fence ${fence} or less, got ${state.fence}`)
  }
}

/** The state after the move; with the same `seq` if there is nothing to move. */
function moved(
  name: ChannelName,
  state: ChannelState | undefined,
  target: Release,
  options: MoveOptions,
): ChannelState {
  const isSame = state !== undefined && isSameRelease(state, target)
  const pinned = options.pinned ?? (isSame && state.pinned)
  const approved = options.approved ?? (isSame && state.approved)
  const fence = options.fence ?? state?.fence ?? 0
  if (isSame && pinned === state.pinned && approved === state.approved) return { ...state, fence }
  // Another index of the same version is no release to go back from.
  const isSameVersion = state?.manifest === target.manifest
  const previous = isSameVersion ? state.previous : state && releaseOf(state)
  return {
    format: 1,
    channel: name,
    seq: (state?.seq ?? 0) + 1,
    ...releaseOf(target),
    ...(previous && { previous }),
    pinned,
    approved,
    fence,
    move: options.move,
  }
}
