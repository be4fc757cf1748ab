import { describe, expect, it } from 'vitest'
import {
  beginAgain,
  beginGeneration,
  failGeneration,
  type GenerationChecks,
  judgeGeneration,
} from '../../lib/search/build-generation.ts'
import { generations } from '../../lib/search/generations.ts'
import { temporaryStores } from '../support/stores.ts'
import { begun, newGeneration, partition } from './generation-support.ts'

const checks: GenerationChecks = {
  partitions: [partition],
  minCoverage: 0.99,
  minRecall: 0.99,
  recall: async () => 1,
}
const source = { digest: 'c'.repeat(64), rows: 1_000, partition }

describe('beginGeneration', () => {
  it('goes on with what is under way, and gives up after a failure', async () => {
    const all = generations(temporaryStores().documents)
    const first = await beginGeneration(all, newGeneration())
    expect(first).toMatchObject({ id: `${newGeneration().version}.1`, state: 'building' })
    expect(await beginGeneration(all, newGeneration())).toEqual(first)
    await failGeneration(all, first?.id ?? '', 'because')
    expect(await beginGeneration(all, newGeneration())).toBeUndefined()
  })
})

describe('beginGeneration after a collection', () => {
  it('does not use the number of an attempt again', async () => {
    const all = generations(temporaryStores().documents)
    const again = await beginGeneration(all, newGeneration(), 3)
    expect(again?.id).toBe(`${newGeneration().version}.4`)
  })
})

describe('beginAgain', () => {
  it('begins one more attempt, whatever became of those before', async () => {
    const all = generations(temporaryStores().documents)
    for (const attempt of [1, 2, 3]) {
      const { id } = await beginAgain(all, newGeneration())
      expect(id).toBe(`${newGeneration().version}.${attempt}`)
    }
  })
})

describe('judgeGeneration', () => {
  const withSource = async (done?: { embedded: number; gone: number; missing: number }) => {
    const stores = temporaryStores()
    const all = generations(stores.documents)
    const { id } = await begun(stores)
    const sources = [done ? { ...source, done } : source]
    return { all, generation: await all.update(id, (present) => ({ ...present, sources })) }
  }

  it('waits for every source and every partition', async () => {
    const { all, generation } = await withSource()
    expect(await judgeGeneration(all, generation, checks)).toBe(generation)
    const done = await withSource({ embedded: 1_000, gone: 0, missing: 0 })
    const two = { ...checks, partitions: [partition, 'images.unlabeled/1'] }
    expect(await judgeGeneration(done.all, done.generation, two)).toBe(done.generation)
  })

  it('calls it ready, with both figures', async () => {
    const { all, generation } = await withSource({ embedded: 980, gone: 15, missing: 5 })
    const judged = await judgeGeneration(all, generation, checks)
    expect(judged).toMatchObject({ state: 'ready', coverage: 980 / 985, recall: 1 })
    expect(await all.read(generation.id)).toEqual(judged)
  })

  it('calls it failed for pictures that are missing, and says how many', async () => {
    const { all, generation } = await withSource({ embedded: 900, gone: 0, missing: 100 })
    expect(await judgeGeneration(all, generation, checks)).toMatchObject({
      state: 'failed',
      coverage: 0.9,
      reason: 'expected 99.0 % of the pictures, got 90.0 %: 100 are missing or do not decode',
    })
  })

  it('calls it failed for an index that does not find what is there', async () => {
    const { all, generation } = await withSource({ embedded: 1_000, gone: 0, missing: 0 })
    const judged = await judgeGeneration(all, generation, { ...checks, recall: async () => 0.5 })
    expect(judged).toMatchObject({ state: 'failed', coverage: 1, recall: 0.5 })
    expect(judged.reason).toBe(
      'expected the index to find 99.0 % of the true neighbours, it finds 50.0 %',
    )
  })

  it('judges nothing twice', async () => {
    const { all, generation } = await withSource({ embedded: 1_000, gone: 0, missing: 0 })
    const ready = await judgeGeneration(all, generation, checks)
    const again = await judgeGeneration(all, ready, { ...checks, recall: async () => 0 })
    expect(again).toBe(ready)
  })
})
