import { describe, expect, it } from 'vitest'
import { ArtifactError, LeaseLostError, RegistryError } from '../../lib/errors.ts'
import type { Loaded, Saved } from '../../lib/learn/checkpoint.ts'
import { publish, releaseWithoutIndex, resumePublish } from '../../lib/learn/publish.ts'
import { rollback } from '../../lib/registry/operator.ts'
import type { Registry } from '../../lib/registry/registry.ts'
import { versionNumber } from '../../lib/registry/version-id.ts'
import type { BlobStore, DocumentStore } from '../../lib/store/types.ts'
import { outletsOf, publicationAfter, stateAfter, stateAt } from '../support/learner.ts'
import { storeModel } from '../support/models.ts'
import {
  failEveryCall,
  type Stores,
  type TemporaryStores,
  temporaryPipeline,
} from '../support/stores.ts'

const auto = { promotion: 'auto' } as const

/** A learner whose baseline v1 is stable. */
async function withBaseline(stores: Stores): Promise<Saved> {
  const out = outletsOf(stores)
  const first = await out.checkpoints.replace(undefined, stateAt(10))
  const { saved } = await publish(first, publicationAfter(first), out)
  await releaseWithoutIndex(out, auto)
  return saved
}

async function baseline(): Promise<TemporaryStores> {
  const stores = await temporaryPipeline()
  await withBaseline(stores)
  return stores
}

const load = async (stores: Stores, fence = 1): Promise<Loaded> =>
  (await outletsOf(stores, fence).checkpoints.load()) as Loaded

/** What a start does: goes on where the last process stopped. */
async function restart(stores: Stores, fence: number): Promise<Saved> {
  const out = outletsOf(stores, fence)
  const { saved } = await load(stores, fence)
  await out.registry.candidate.adopt(fence)
  const resumed = await resumePublish(saved, out)
  await releaseWithoutIndex(out, auto)
  return resumed?.saved ?? saved
}

/** What must hold whenever a start has gone through. */
async function expectConsistent(stores: Stores, fence: number): Promise<Registry> {
  const { registry } = outletsOf(stores, fence)
  const { saved, parts, fallback } = await load(stores, fence)
  expect(saved.head.pending).toBeUndefined()
  expect(fallback).toBeUndefined()
  expect(parts['buffer']?.json).toEqual({ applied: saved.head.offsets['images.unlabeled/0'] })
  // Numbers without a gap, the next one free, the newest in both channels, all of them loadable.
  const numbers = (await registry.versions.list()).map(({ version }) => versionNumber(version))
  expect(numbers.toReversed()).toEqual(numbers.map((_, i) => i + 1))
  expect(saved.head.model.next).toBe(numbers.length + 1)
  for (const n of numbers) await registry.loadVersion(`v${n}`)
  let moves = 0
  for (const name of ['candidate', 'stable'] as const) {
    const state = await registry[name].read()
    expect(versionNumber(state?.version ?? '')).toBe(numbers[0])
    const audited = await registry.audit.moves(name)
    expect(audited.map(({ version }) => versionNumber(version))).toEqual(numbers.toReversed())
    expect(audited.at(-1)?.seq).toBe(state?.seq)
    moves += audited.length
  }
  expect(await hints(stores)).toBeGreaterThanOrEqual(moves)
  // The round of every version that a gate let through.
  const rounds = await registry.audit.rounds()
  expect(rounds.map(({ version }) => versionNumber(version ?? ''))).toEqual(
    numbers.toReversed().slice(1),
  )
  return registry
}

const hints = async ({ stream }: Stores): Promise<number> =>
  (await stream.watermarks('models.published'))[0]?.high ?? 0

describe('publish', () => {
  it('makes a version that loads, named by candidate, and forgets that it was under way', async () => {
    const stores = await baseline()
    const out = outletsOf(stores)
    const { saved } = await load(stores)
    const publication = publicationAfter(saved, (await out.registry.stable.read())?.version)
    const published = await publish(saved, publication, out)
    const loaded = await out.registry.loadVersion(published.entry.version)
    expect(loaded.manifest).toEqual(publication.manifest)
    expect(loaded.files).toEqual(publication.files)
    expect((await out.registry.candidate.read())?.version).toBe(published.entry.version)
    expect(published.saved.head.pending).toBeUndefined()
    expect(published.saved.head.model.next).toBe(3)
  })

  it('stores the state that goes with it: the weights of what was published', async () => {
    const stores = await baseline()
    const { saved, parts } = await load(stores)
    expect(parts['student']?.arrays).toEqual({ weights: Float32Array.of(1) })
    await publish(saved, publicationAfter(saved), outletsOf(stores))
    expect((await load(stores)).parts['student']?.arrays).toEqual({ weights: Float32Array.of(2) })
  })

  it('keeps the round’s verdict with its figures, as the manifest has it', async () => {
    const stores = await baseline()
    const out = outletsOf(stores)
    const { saved } = await load(stores)
    const champion = (await out.registry.stable.read())?.version ?? ''
    const publication = publicationAfter(saved, champion)
    const { entry } = await publish(saved, publication, out)
    const { gate, round, at, fence } = publication.manifest
    const kept = { format: 1, lineage: 'main', round, at, fence, gate, version: entry.version }
    expect(await out.registry.audit.rounds()).toEqual([kept])
  })

  it('says so on the stream', async () => {
    const stores = await temporaryPipeline()
    await withBaseline(stores)
    expect(await hints(stores)).toBe(2) // candidate, stable
  })

  it('writes who moved the candidate, why, and the gate’s answer without its details', async () => {
    const stores = await baseline()
    const out = outletsOf(stores, 5)
    const { saved } = await load(stores, 5)
    const champion = (await out.registry.stable.read())?.version ?? ''
    await publish(saved, publicationAfter(saved, champion), out)
    const candidate = await out.registry.candidate.read()
    expect(candidate?.fence).toBe(5)
    expect(candidate?.move).toEqual({
      by: 'learner-5',
      at: 7,
      why: 'better',
      gate: { verdict: 'promote', reason: 'better', champion },
    })
  })

  it('refuses files that are not those of the manifest, before anything is stored', async () => {
    const stores = await baseline()
    const { saved } = await load(stores)
    const publication = publicationAfter(saved)
    const files = { ...publication.files, 'extra.bin': new Uint8Array(1) }
    const publishing = publish(saved, { ...publication, files }, outletsOf(stores))
    await expect(publishing).rejects.toThrow(ArtifactError)
    expect((await load(stores)).saved).toEqual(saved)
  })

  it('refuses a number that another history has, before anything is under way', async () => {
    const stores = await baseline()
    const out = outletsOf(stores)
    const { saved } = await load(stores)
    await storeModel(out.registry, publicationAfter(saved, undefined, 'other'))
    await expect(publish(saved, publicationAfter(saved), out)).rejects.toMatchObject({
      code: 'REGISTRY',
      reason: 'other-history',
    })
    expect((await load(stores)).saved).toEqual(saved)
  })

  it('refuses to begin while another is under way', async () => {
    const stores = await baseline()
    const out = outletsOf(stores)
    const { saved } = await load(stores)
    const pending = { n: 2, manifest: 'a'.repeat(64) }
    const begun = await out.checkpoints.replace(saved, { ...saved.head, pending })
    await expect(publish(begun, publicationAfter(begun), out)).rejects.toThrow(RegistryError)
  })

  it('shows nothing of a model whose bytes are gone before it becomes candidate', async () => {
    const stores = await baseline()
    const { saved } = await load(stores)
    const forgetful: BlobStore = { ...stores.blobs, stat: async () => undefined }
    const out = outletsOf({ ...stores, blobs: forgetful })
    await expect(publish(saved, publicationAfter(saved), out)).rejects.toThrow(ArtifactError)
    expect(await out.registry.versions.get(2)).toBeUndefined()
    expect((await out.registry.candidate.read())?.version).toMatch(/^v1-/)
  })

  it('fails for a learner that was asleep, at whichever call it wakes', async () => {
    for (let call = 1, isDone = false; !isDone; call += 1) {
      const stores = await baseline()
      const { saved } = await load(stores)
      let calls = 0
      const wake = async (): Promise<void> => {
        calls += 1
        if (calls === call) await restart(stores.again(), 2) // its successor takes over
      }
      const { documents } = stores
      const sleepy: DocumentStore = {
        ...documents,
        create: async (...args) => {
          await wake()
          return documents.create(...args)
        },
        swap: async (...args) => {
          await wake()
          return documents.swap(...args)
        },
      }
      const out = outletsOf({ ...stores, documents: sleepy })
      const champion = (await out.registry.stable.read())?.version
      const publishing = publish(saved, publicationAfter(saved, champion), out)
      isDone = await publishing.then(
        () => calls < call,
        (error: unknown) => {
          expect(error).toBeInstanceOf(LeaseLostError)
          return false
        },
      )
      await releaseWithoutIndex(outletsOf(stores, 2), auto)
      await expectConsistent(stores, 2)
    }
  })
})

describe('resumePublish', () => {
  it('has nothing to do when none was under way', async () => {
    const stores = await baseline()
    expect(await resumePublish((await load(stores)).saved, outletsOf(stores))).toBeUndefined()
  })

  it('stops at a version of another history', async () => {
    const stores = await baseline()
    const out = outletsOf(stores)
    const { saved } = await load(stores)
    const entry = await storeModel(out.registry, publicationAfter(saved, undefined, 'other'))
    const pending = { n: 2, manifest: (await out.registry.versions.get(1))?.manifest ?? '' }
    const begun = await out.checkpoints.replace(saved, { ...saved.head, pending })
    await expect(resumePublish(begun, out)).rejects.toMatchObject({ reason: 'other-history' })
    expect(await out.registry.versions.get(2)).toEqual(entry)
  })

  it('does not move the candidate back when an old checkpoint remembers an old publish', async () => {
    const stores = await baseline()
    const out = outletsOf(stores)
    const { saved } = await load(stores)
    const { saved: second } = await publish(saved, publicationAfter(saved), out)
    const pending = { n: 1, manifest: (await out.registry.versions.get(1))?.manifest ?? '' }
    const old = await out.checkpoints.replace(second, { ...second.head, pending })
    const resumed = await resumePublish(old, out)
    expect(resumed?.saved.head).toMatchObject({ model: { next: 3 } })
    expect(resumed?.saved.head.pending).toBeUndefined()
    expect((await out.registry.candidate.read())?.version).toMatch(/^v2-/)
  })
})

describe('releaseWithoutIndex', () => {
  it('has nothing to release without a candidate', async () => {
    expect(await releaseWithoutIndex(outletsOf(await temporaryPipeline()), auto)).toBeUndefined()
  })

  it('leaves stable where somebody rolled it back to', async () => {
    const stores = await baseline()
    const out = outletsOf(stores)
    const { saved } = await load(stores)
    const champion = (await out.registry.stable.read())?.version
    await publish(saved, publicationAfter(saved, champion), out)
    await releaseWithoutIndex(out, auto)
    await rollback(out.registry, { by: 'ada', at: 1, why: 'worse' })
    expect(await releaseWithoutIndex(out, auto)).toEqual({ released: false, why: 'pinned' })
    expect((await out.registry.stable.read())?.version).toBe(champion)
  })

  it('repeats the hint, and nothing else, when it is repeated', async () => {
    const stores = await baseline()
    const before = await hints(stores)
    await releaseWithoutIndex(outletsOf(stores), auto)
    expect(await hints(stores)).toBe(before + 1)
    expect((await outletsOf(stores).registry.stable.read())?.seq).toBe(1)
  })
})

// Some hundred publishes, each with its fsyncs: seconds on a quiet disk, a minute on a busy one.
describe('every call of a publish may be the last one', { timeout: 300_000 }, () => {
  /** Applies, publishes the next version, releases it. */
  const run = async (stores: Stores, fence = 2): Promise<void> => {
    const out = outletsOf(stores, fence)
    const { saved } = await load(stores, fence)
    await out.registry.candidate.adopt(fence)
    const champion = (await out.registry.stable.read())?.version
    const records = (saved.head.offsets['images.unlabeled/0'] ?? 0) + 10
    const applied = await out.checkpoints.replace(saved, stateAfter(saved, records))
    await publish(applied, publicationAfter(applied, champion), out)
    await releaseWithoutIndex(out, auto)
  }

  it('and the next start completes it, or knows nothing of it', async () => {
    const calls = await failEveryCall(
      ['dies-before', 'dies-after', 'answer-lost'],
      baseline,
      run,
      async (stores) => {
        await restart(stores, 3)
        await expectConsistent(stores, 3)
        await restart(stores, 4) // nothing is left to do
        await expectConsistent(stores, 4)
        await run(stores, 5)
        await expectConsistent(stores, 5)
      },
    )
    expect(calls).toBeGreaterThan(25)
  })

  it('and of the start that completes it, too', async () => {
    await failEveryCall(
      ['dies-before', 'dies-after'],
      async () => {
        const stores = await baseline()
        // Dies when everything is stored and nothing is visible.
        const out = outletsOf(stores)
        const { saved } = await load(stores)
        const documents: DocumentStore = {
          ...stores.documents,
          create: (key, value) =>
            key.startsWith('versions/')
              ? Promise.reject(new Error('killed'))
              : stores.documents.create(key, value),
        }
        const champion = (await out.registry.stable.read())?.version
        const publishing = publish(
          saved,
          publicationAfter(saved, champion),
          outletsOf({ ...stores, documents }),
        )
        await expect(publishing).rejects.toThrow('killed')
        return stores
      },
      (stores) => restart(stores, 2),
      async (stores) => {
        await restart(stores, 3)
        const registry = await expectConsistent(stores, 3)
        expect((await registry.stable.read())?.version).toMatch(/^v2-/)
      },
    )
  })
})
