import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { topicNames } from '../../lib/stream/topics.ts'
import { move, smallModel, storeModel } from '../support/models.ts'
import { command, onPipeline, temporaryFolder } from './support.ts'

/** A folder with two versions, of which the second is stable, and a round that was held. */
async function withTwoVersions(): Promise<{ folder: string; first: string; second: string }> {
  const folder = temporaryFolder()
  return onPipeline(folder, async ({ registry }) => {
    const first = await storeModel(registry, smallModel(1))
    const second = await storeModel(registry, smallModel(2, { champion: first.version }))
    await registry.stable.move(first, { move })
    await registry.stable.move(second, { move })
    await registry.audit.recordRound({
      format: 1,
      lineage: 'main',
      round: 2,
      at: 5,
      fence: 1,
      gate: { verdict: 'hold', reason: 'not better', champion: second.version },
    })
    return { folder, first: first.version, second: second.version }
  })
}

it('lists versions with their roles, and rounds that became none', async () => {
  const { folder, first, second } = await withTwoVersions()
  const { lines, code } = await command('models', 'list', '--data', folder, '--json')
  expect(code).toBe(0)
  expect(lines).toHaveLength(3)
  const version = (name: string) => lines.find((line) => line['version'] === name)
  expect(version(second)).toMatchObject({ isStable: true, isPinned: false, verdict: 'promote' })
  expect(version(first)).toMatchObject({ isPrevious: true, verdict: 'baseline' })
  expect(lines.at(-1)).toMatchObject({ event: 'round', round: 2, verdict: 'hold' })
})

it('shows one version with its manifest and the times it was stable', async () => {
  const { folder, second } = await withTwoVersions()
  const { lines } = await command('models', 'show', 'v2', '--data', folder, '--json')
  expect(lines[0]).toMatchObject({ version: second, manifest: { n: 2 }, moves: [{ seq: 2 }] })
})

it('rolls back, pins, says so in the log, and promotes again', async () => {
  const { folder, first, second } = await withTwoVersions()
  const back = await command('models', 'rollback', '--reason', 'worse', '--data', folder, '--json')
  expect(back.lines[0]).toMatchObject({ stable: first, pinned: true })
  await onPipeline(folder, async ({ registry, stream }) => {
    const state = await registry.stable.read()
    expect(state?.move).toMatchObject({ why: 'worse', by: expect.stringMatching(/^cli:./) })
    expect((await stream.watermarks(topicNames.published))[0]?.high).toBe(1)
  })
  const again = await command('models', 'promote', 'v2', '--data', folder, '--json')
  expect(again.lines[0]).toMatchObject({ stable: second, pinned: false })
})

it('puts the figures of two versions side by side', async () => {
  const { folder, first, second } = await withTwoVersions()
  const { lines } = await command('models', 'diff', 'v1', 'v2', '--data', folder, '--json')
  const versions = lines[0]?.['versions'] as { version: string; verdict: string }[]
  expect(versions.map((one) => one.version)).toEqual([first, second])
  expect(versions.map((one) => one.verdict)).toEqual(['baseline', 'promote'])
})

it('exports what TensorFlow.js reads and what is needed to use it', async () => {
  const { folder, second } = await withTwoVersions()
  const out = join(folder, 'export')
  const done = await command('models', 'export', '--out', out, '--data', folder)
  expect(done.code).toBe(0)
  expect(readdirSync(out).sort()).toEqual(['export.json', 'model.json', 'weights.bin'])
  const description = JSON.parse(readFileSync(join(out, 'export.json'), 'utf8'))
  expect(description).toMatchObject({
    version: second,
    dim: 4,
    centred: true,
    preprocessing: { hash: 'p', settings: { size: 64 } },
    gate: { verdict: 'promote' },
  })
})

it('refuses a form that is none, an index that is not there, and a folder with files', async () => {
  const { folder } = await withTwoVersions()
  const as = (form: string) =>
    command('models', 'export', '--as', form, '--out', 'x', '--data', folder)
  expect((await as('parquet')).code).toBe(2)
  expect((await as('csv')).error).toMatchObject({ code: 'MISSING' })
  const full = await command('models', 'export', '--out', folder, '--data', folder)
  expect(full.error).toMatchObject({ code: 'STORE', message: expect.stringContaining(folder) })
})

it('fails for a version that is not there', async () => {
  const { folder } = await withTwoVersions()
  for (const verb of ['show', 'promote']) {
    const { code, error } = await command('models', verb, 'v9', '--data', folder)
    expect([code, (error as { code?: string }).code]).toEqual([1, 'MISSING'])
  }
})
