import { expect, it } from 'vitest'
import { emptyState, type LearnerState } from '../../lib/learn/state.ts'
import { command, onPipeline, temporaryFolder, writeState } from './support.ts'

const idOf = (letter: string): string => letter.repeat(64)
const picture = (letter: string) => ({
  id: idOf(letter),
  source: 'camera',
  at: 1_700_000_000_000,
  group: idOf(letter),
})
const entry = { ...picture('a'), arrival: 0, half: 'recent' as const, untrusted: 2, identity: 7 }

const state: LearnerState = {
  ...emptyState,
  buffer: { ...emptyState.buffer, entries: new Map([[entry.id, entry]]), arrivals: 1 },
  seen: { ...emptyState.seen, ids: new Set(['d'.repeat(32)]), applied: 4 },
  heldOut: { a: [picture('b')], b: [picture('c')], monitor: [] },
  clusters: {
    k: 8,
    chosenAt: 1,
    nextIdentity: 8,
    known: [{ identity: 7, bornIn: 1, size: 1, cohesion: 0.5 }],
    model: 'model',
    centroids: { rows: 1, dim: 2, data: Float32Array.of(1, 0) },
    mean: Float32Array.of(0, 0),
    events: [{ round: 1, kind: 'birth', identity: 7, of: undefined, pictures: 1 }],
  },
}

/** A data folder whose learner has written one checkpoint. */
async function withState(): Promise<string> {
  const folder = temporaryFolder()
  await onPipeline(folder, (pipeline) => writeState(pipeline, state))
  return folder
}

it('lists the living clusters, and names one for good', async () => {
  const folder = await withState()
  for (const name of ['red apples', 'green apples']) {
    expect((await command('clusters', 'name', '7', name, '--data', folder)).code).toBe(0)
    const { lines } = await command('clusters', 'list', '--data', folder, '--json')
    expect(lines).toMatchObject([{ identity: 7, size: 1, bornIn: 1, name }])
  }
  await onPipeline(folder, async ({ documents }) => {
    const found = await documents.read('names/7')
    expect(found).toMatchObject({ value: { format: 1, name: 'green apples' } })
  })
})

it('shows a cluster with its pictures and its events', async () => {
  const folder = await withState()
  const { lines } = await command('clusters', 'show', '7', '--data', folder, '--json')
  expect(lines[0]).toMatchObject({
    pictures: [{ id: entry.id, untrusted: 2 }],
    events: [{ kind: 'birth' }],
  })
})

it('refuses to name a cluster that does not live, and an empty name', async () => {
  const folder = await withState()
  const missing = await command('clusters', 'name', '3', 'pears', '--data', folder)
  expect(missing.error).toMatchObject({ code: 'MISSING' })
  const empty = await command('clusters', 'name', '7', '  ', '--data', folder)
  expect(empty.code).toBe(2)
})

it.each([
  ['a', 'buffer', { identity: 7, untrusted: 2, source: 'camera' }],
  ['b', 'probe A', { source: 'camera' }],
  ['c', 'probe B', { source: 'camera' }],
  ['d', 'seen before', {}],
])('finds picture %s… in %s', async (letter, where, more) => {
  const folder = await withState()
  for (const prefix of [letter, idOf(letter)]) {
    const { lines } = await command('image', 'show', prefix, '--data', folder, '--json')
    expect(lines[0]).toMatchObject({ where, ...more })
  }
})

it('tells a picture that is not there from a word that is no id', async () => {
  const folder = await withState()
  expect((await command('image', 'show', 'e', '--data', folder)).error).toMatchObject({
    code: 'MISSING',
  })
  expect((await command('image', 'show', 'apple', '--data', folder)).code).toBe(2)
})
