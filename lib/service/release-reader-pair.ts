import type { ChannelState, Release } from '../registry/channel-document.ts'
import { type OpenRelease, type OpenReleaseParts, openRelease } from './release-reader-open.ts'
import {
  type HeldRelease,
  heldRelease,
  type ReleaseHolder,
  releaseHolder,
  type ServingRelease,
} from './serving-release.ts'

/** What a pair works with. */
export interface ReleasePairParts extends OpenReleaseParts {
  /** Consumer groups of this replica alone begin with it: each must see every vector. */
  readonly group: string
  /** Told of what cannot be gone on after. */
  readonly onFatal: (error: unknown) => void
}

/**
 * The release in service and, as long as memory has room, the one before it: nothing has to be
 * loaded to go back.
 */
export interface ReleasePair {
  readonly stable: Omit<ReleaseHolder<OpenRelease>, 'swap'>
  /** Puts a release in service once it is ready to be; not to be called twice at a time. */
  take(state: ChannelState): Promise<OpenRelease>
  /** Lets go of the release before if nobody goes back to it by one step, or memory is short. */
  tidy(state: ChannelState): void
  /** Hides pictures from searches. */
  mask(ids: ReadonlySet<string>): Promise<void>
  /** Loads the release before where it is not there; not to be called while one is taken. */
  loadPrevious(named: Release): Promise<void>
  /** Runs a request on the release before; absent where it is not there. */
  usePrevious<T>(
    named: Release | undefined,
    request: (release: ServingRelease) => Promise<T>,
  ): Promise<T> | undefined
  /** Resolves when all releases are drained and disposed of. */
  close(): Promise<void>
}

/** Whether a release is the one that a channel names. */
export const isNamed = (
  release: { readonly version: string; readonly generation: string | undefined } | undefined,
  named: Release | undefined,
): boolean =>
  release !== undefined &&
  release.version === named?.version &&
  release.generation === named.generation

/** A {@link ReleasePair} with nothing in service yet. */
export function releasePair(parts: ReleasePairParts): ReleasePair {
  const stable = releaseHolder<OpenRelease>()
  const previous = releaseHolder<OpenRelease>()
  let masked: ReadonlySet<string> = new Set()
  let retiring: Promise<unknown> = Promise.resolve()

  const retire = (held: HeldRelease | undefined): void => {
    retiring = Promise.all([retiring, held?.retire().catch(parts.onFatal)])
  }
  const load = async (named: Release): Promise<HeldRelease<OpenRelease>> => {
    retire(previous.swap(undefined)) // there is room for two
    const held = heldRelease(await openRelease(parts, named))
    void held.release.died.then((error) => {
      if (stable.held === held) parts.onFatal(error)
      if (previous.held === held) retire(previous.swap(undefined))
    })
    return held
  }
  /** Brings an index up to date, in the group that what serves is not in. */
  const follow = async (held: HeldRelease<OpenRelease>): Promise<void> => {
    const groups = [`${parts.group}-a`, `${parts.group}-b`]
    const free = groups.find((one) => one !== stable.current?.group) as string
    try {
      await held.release.mask(masked)
      await held.release.follow(free)
    } catch (error) {
      if (previous.held === held) previous.swap(undefined)
      retire(held)
      throw error
    }
  }
  const keptAs = (named: Release | undefined): HeldRelease<OpenRelease> | undefined =>
    isNamed(previous.current, named) ? previous.held : undefined

  const tidy = ({ previous: named }: ChannelState): void => {
    const kept = keptAs(named)
    if (kept === undefined || kept.release.bytes > parts.freeBytes()) {
      retire(previous.swap(undefined))
    }
  }

  return {
    stable,
    take: async (state) => {
      const next = keptAs(state) ?? (await load(state))
      await follow(next)
      next.release.seq = state.seq
      const old = stable.swap(next)
      previous.swap(old)
      await old?.release.unfollow()
      tidy(state)
      return next.release
    },
    tidy,
    mask: async (ids) => {
      masked = ids
      await Promise.all([stable, previous].map(({ current }) => current?.mask(ids)))
    },
    loadPrevious: async (named) => {
      if (keptAs(named) !== undefined) return
      const loaded = await load(named)
      await follow(loaded)
      await loaded.release.unfollow()
      previous.swap(loaded)
    },
    usePrevious: (named, request) => keptAs(named)?.use(request),
    close: async () => {
      for (const holder of [stable, previous]) retire(holder.swap(undefined))
      await retiring
    },
  }
}
