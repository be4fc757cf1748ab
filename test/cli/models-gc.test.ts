import { expect, it } from 'vitest'
import { monotonicClock } from '../../lib/registry/clock.ts'
import { holdLease } from '../../lib/registry/lease.ts'
import { smallModel, storeModel } from '../support/models.ts'
import { command, onPipeline, temporaryFolder } from './support.ts'

const twoDaysAgo = Date.now() - 2 * 86_400_000

/** A folder with two old versions; with `release.keep=1` the first may go. */
async function withOldVersions(): Promise<string> {
  const folder = temporaryFolder()
  return onPipeline(folder, async ({ registry, database }) => {
    for (const n of [1, 2]) await storeModel(registry, smallModel(n))
    database.prepare('UPDATE blob SET at = ?').run(twoDaysAgo)
    return folder
  })
}

const gc = (folder: string, ...more: readonly string[]) =>
  command('models', 'gc', '--data', folder, '--set', 'release.keep=1', ...more)

const numbers = (folder: string): Promise<number> =>
  onPipeline(folder, async ({ registry }) => (await registry.versions.list()).length)

it('says what would go, changes nothing, and then does just that', async () => {
  const folder = await withOldVersions()
  const plan = await gc(folder, '--plan', '--json')
  expect([plan.code, await numbers(folder)]).toEqual([0, 2])
  expect(plan.lines[0]).toMatchObject({
    event: 'gc-plan',
    documents: ['versions/1'],
    blobs: { models: { count: 3 }, pictures: { count: 0, bytes: 0 } },
    records: { count: 0, bytes: 0 },
  })
  const deed = await gc(folder, '--json')
  expect(deed.lines[0]).toEqual({ ...plan.lines[0], event: 'gc' })
  expect(await numbers(folder)).toBe(1)
})

it('tells people by name and size', async () => {
  const folder = await withOldVersions()
  const { stdout } = await gc(folder, '--plan')
  expect(stdout).toMatch(/^versions\/1$/m)
  expect(stdout).toMatch(/^models +3 +[\d.]+ (B|KiB)$/m)
  expect(stdout).toMatch(/[\d.]+ (B|KiB) would be freed\n$/)
})

it('names the process that is at it, and plans all the same', async () => {
  const folder = await withOldVersions()
  await onPipeline(folder, async ({ documents }) => {
    const lease = await holdLease(documents, 'gc', {
      owner: 'other-host:12:3',
      ttlMs: 300,
      clock: monotonicClock,
      onLost: () => undefined,
    })
    try {
      const { code, error } = await gc(folder)
      expect([code, String(error)]).toEqual([1, expect.stringContaining('other-host:12:3')])
      expect((await gc(folder, '--plan')).code).toBe(0)
      expect(await numbers(folder)).toBe(2)
    } finally {
      await lease.release()
    }
  })
})

it('warns of a version that cannot be read', async () => {
  const folder = await withOldVersions()
  const version = await onPipeline(folder, async ({ registry, blobs }) => {
    const second = await registry.versions.get(2)
    await blobs.delete('models', second?.manifest ?? '', { olderThanMs: 1 })
    return second?.version ?? ''
  })
  const { stderr, code } = await gc(folder, '--plan')
  expect([code, stderr]).toEqual([0, expect.stringContaining(`${version} cannot be read`)])
})
