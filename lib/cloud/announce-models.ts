import { ArtifactError, type PipelineError, StoreError, StreamError } from '../errors.ts'
import { maxManifestBytes, readManifest } from '../registry/manifest.ts'
import { versionId } from '../registry/version-id.ts'
import type { Quarantine } from '../service/quarantine.ts'
import type { BlobStore } from '../store/types.ts'
import { type PlacedHint, readHints } from './kafka-events.ts'

/** What the bus is told: that a channel moved to a version. */
export interface ModelPublished {
  /** When it moved, ISO 8601, UTC. */
  readonly at: string
  /** The hint, and a key that is the same whenever the same move is told again. */
  readonly detail: Readonly<Record<string, unknown>> & { readonly idempotencyKey: string }
}

/** Where events go. */
export interface EventSink {
  /** Puts events on the bus; answers how many it refused. */
  put(events: readonly ModelPublished[]): Promise<number>
}

/** What {@link announceModels} needs. */
export interface AnnounceParts {
  readonly blobs: BlobStore
  readonly events: EventSink
  readonly quarantine: Quarantine
}

/** Checks that the version which a hint names exists under its digest. */
async function expectManifest(blobs: BlobStore, { hint }: PlacedHint): Promise<void> {
  const { manifestSha256, version } = hint
  const bytes = await blobs.get('models', manifestSha256, { maxBytes: maxManifestBytes })
  if (bytes === undefined) {
    throw new ArtifactError(`${version}: expected manifest ${manifestSha256}, it is missing`)
  }
  const { n } = readManifest(bytes)
  if (versionId(n, manifestSha256) === version) return
  throw new ArtifactError(`${version}: expected its own manifest, got that of v${n}`)
}

function published({ hint }: PlacedHint): ModelPublished {
  const { name, channel, seq, at } = hint
  return { at, detail: { ...hint, idempotencyKey: `${name}/${channel}/${seq}` } }
}

/**
 * Tells the bus of every version that `stable` moved to, by the hints in a Kafka event.
 *
 * A bad record, or one whose manifest is not what it says, is set aside; the others go on. Harmless
 * to repeat: the key of an event is that of the move.
 *
 * @returns How many events were put, and how many records set aside.
 * @throws {@link StreamError}, retryable, if the bus refuses one; the error of a store that is out
 * of order: the whole event is to come again.
 */
export async function announceModels(
  { blobs, events, quarantine }: AnnounceParts,
  event: unknown,
): Promise<{ readonly announced: number; readonly quarantined: number }> {
  const { hints, bad } = readHints(event)
  const aside = [...bad]
  const good: PlacedHint[] = []
  for (const placed of hints.filter(({ hint }) => hint.channel === 'stable')) {
    try {
      await expectManifest(blobs, placed)
      good.push(placed)
    } catch (error) {
      if (!isDamage(error)) throw error
      const { hint, ...place } = placed
      aside.push({ ...place, error })
    }
  }
  for (const { error, ...place } of aside) await quarantine.add(place, error)
  const refused = good.length === 0 ? 0 : await events.put(good.map(published))
  if (refused > 0) {
    const message = `announceModels: expected ${good.length} events taken, ${refused} refused`
    throw new StreamError(message, { retryable: true })
  }
  return { announced: good.length, quarantined: aside.length }
}

/** Whether a manifest is not there or not sound, and the store that says so is in order. */
function isDamage(error: unknown): error is PipelineError {
  const isDamagedBlob = error instanceof StoreError && error.reason === 'damaged'
  return error instanceof ArtifactError || isDamagedBlob
}
