import { ArtifactError, RegistryError } from '../errors.ts'
import { type AnnounceOptions, announce } from '../registry/announce.ts'
import type { Move } from '../registry/channel-document.ts'
import type { Pending } from '../registry/checkpoint-head.ts'
import { digestOf } from '../registry/digest.ts'
import { summaryOf } from '../registry/gate-report.ts'
import { type Manifest, manifestBytes } from '../registry/manifest.ts'
import type { Registry } from '../registry/registry.ts'
import { type Released, releaseCandidate } from '../registry/release.ts'
import { type VersionFiles, verifyFiles } from '../registry/version-files.ts'
import { versionNumber } from '../registry/version-id.ts'
import type { VersionEntry } from '../registry/versions.ts'
import type { Digest } from '../store/types.ts'
import type { StreamPort } from '../stream/types.ts'
import type { Checkpoints, NextCheckpoint, Saved } from './checkpoint.ts'

/** Where a publish goes, and as whom. */
export interface Outlets {
  readonly checkpoints: Checkpoints
  readonly registry: Registry
  readonly stream: StreamPort
  /** Lease number of this learner. */
  readonly fence: number
  /** Owner string of this learner, for the audit. */
  readonly by: string
  /** The time of day, ms since 1970. */
  readonly now: () => number
  /** Where and how long hints are sent. */
  readonly announce?: AnnounceOptions
}

/** A gated model, frozen, and the checkpoint that remembers it. */
export interface Publication {
  /** State to keep with it: the round is over, its weights are the student's. */
  readonly next: NextCheckpoint
  readonly manifest: Manifest
  readonly files: VersionFiles
}

/** A publish that is complete. */
export interface Published {
  readonly saved: Saved
  readonly entry: VersionEntry
}

/**
 * Makes a gated model visible: a version, its round in the audit, named by `candidate`.
 *
 * Each line may be the last one. After a crash, or an error that is retryable, load the
 * checkpoint and call {@link resumePublish}: it goes on with the same bytes. Where nothing is
 * pending then, nothing of it is visible.
 *
 * @param saved - The checkpoint it follows.
 * @param publication - What to publish; its number is `next.model.next`.
 * @param out - Where to.
 * @throws {@link LeaseLostError} if another writer has replaced the checkpoint meanwhile;
 * {@link RegistryError} if another history has the number, or a publish is under way;
 * {@link ArtifactError} if the files are not those of the manifest.
 */
export async function publish(
  saved: Saved,
  { next, manifest, files }: Publication,
  out: Outlets,
): Promise<Published> {
  const bytes = manifestBytes(manifest)
  const pending = { n: manifest.n, manifest: digestOf(bytes) }
  verifyFiles(manifest, files)
  await assertPublishable(saved, next, manifest, pending.manifest, out)
  await Promise.all(
    [bytes, ...Object.values(files)].map((b) => out.registry.blobs.put('models', b)),
  )
  const begun = await out.checkpoints.replace(saved, { ...next, pending })
  return finish(begun, pending, out)
}

/**
 * Completes a publish that a crash interrupted.
 *
 * @param saved - The checkpoint as it was loaded.
 * @param out - Where to.
 * @returns `undefined` if none was under way.
 * @throws as {@link publish}.
 */
export async function resumePublish(saved: Saved, out: Outlets): Promise<Published | undefined> {
  const { pending } = saved.head
  return pending && finish(saved, pending, out)
}

/**
 * Without search the learner moves `stable` itself, to what `candidate` names. To be called
 * after a publish and at every start: repeated, it moves nothing and repeats the hint.
 *
 * @param out - Where to.
 * @param options - `promotion`: whether somebody must approve first.
 * @returns What became of it; `undefined` as long as there is no candidate.
 * @throws {@link LeaseLostError} if a later learner has written the channel.
 */
export async function releaseWithoutIndex(
  out: Outlets,
  { promotion }: { readonly promotion: 'auto' | 'manual' },
): Promise<Released | undefined> {
  const { registry, fence, by } = out
  const candidate = await registry.candidate.read()
  const n = candidate && versionNumber(candidate.version)
  const entry = n === undefined ? undefined : await registry.versions.get(n)
  if (!entry) return undefined
  const options = { promotion, by, at: out.now(), fence }
  const released = await releaseCandidate(registry, entry, options)
  if (released.released) await announce(out.stream, registry.name, released.state, out.announce)
  return released
}

async function finish(begun: Saved, pending: Pending, out: Outlets): Promise<Published> {
  const manifest = await out.registry.manifest(pending.manifest)
  await assertStored(manifest, out)
  const entry = await out.registry.versions.create(pending.n, pending.manifest)
  await recordVerdict(entry, manifest, out)
  await moveCandidate(entry, pending.n, manifest, out)
  const { head } = begun
  const model = { ...head.model, next: Math.max(head.model.next, pending.n + 1) }
  const next = { ...head, at: out.now(), model, pending: undefined }
  return { saved: await out.checkpoints.replace(begun, next), entry }
}

/** Keeps the round's end, as the manifest has it: repeated, the very same. */
async function recordVerdict(
  { version }: VersionEntry,
  { lineage, round, at, fence, gate }: Manifest,
  { registry }: Outlets,
): Promise<void> {
  if (round === undefined || gate === undefined) return
  await registry.audit.recordRound({ format: 1, lineage, round, at, fence, gate, version })
}

/** Moves `candidate` and says so, unless a newer version has taken it already. */
async function moveCandidate(
  { version, manifest: digest }: VersionEntry,
  n: number,
  { gate }: Manifest,
  out: Outlets,
): Promise<void> {
  const { candidate, name } = out.registry
  const { by, fence } = out
  const why = gate?.reason ?? 'baseline'
  const move: Move = { by, at: out.now(), why, ...(gate && { gate: summaryOf(gate) }) }
  for (;;) {
    const present = await candidate.read()
    if (present && (versionNumber(present.version) ?? 0) > n) return
    const target = { version, manifest: digest }
    const moved = await candidate.move(target, { move, fence, ifSeq: present?.seq ?? 0 })
    if (moved.moved) return announce(out.stream, name, moved.state, out.announce)
  }
}

async function assertPublishable(
  { head }: Saved,
  next: NextCheckpoint,
  { n, name }: Manifest,
  manifest: Digest,
  { registry }: Outlets,
): Promise<void> {
  if (head.pending) {
    throw new RegistryError(`publish: expected none under way, v${head.pending.n} is`)
  }
  if (n !== next.model.next) {
    throw new RegistryError(`publish: expected number ${next.model.next}, got ${n}`)
  }
  if (name !== registry.name) {
    throw new RegistryError(`publish: expected a model of ${registry.name}, got one of ${name}`)
  }
  const present = await registry.versions.get(n)
  if (present && present.manifest !== manifest) {
    throw new RegistryError(`publish: expected v${n} to be free, ${present.version} is there`, {
      reason: 'other-history',
    })
  }
}

/** A last look before others are told: collection may have run since the bytes were stored. */
async function assertStored(manifest: Manifest, { registry }: Outlets): Promise<void> {
  for (const { path, bytes, sha256 } of manifest.files) {
    const stored = await registry.blobs.stat('models', sha256)
    if (stored?.bytes !== bytes) {
      const got = stored ? `${stored.bytes}` : 'none'
      throw new ArtifactError(`publish: ${path}: expected ${bytes} bytes stored, got ${got}`)
    }
  }
}
