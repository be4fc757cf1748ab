import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { mirrorVectors, sqliteVectors } from '../../examples/vector-database.ts'
import { announce } from '../../lib/registry/announce.ts'
import { rollback } from '../../lib/registry/operator.ts'
import {
  drive,
  embedderOn,
  pictureId,
  publishBaseline,
  publishCandidate,
  registryOf,
  sendPictures,
  vectorOf,
} from '../service/embedder-support.ts'
import '../support/engine.ts'
import { temporaryPipeline } from '../support/stores.ts'

/** A pipeline whose embedder makes vectors, and a database of one's own beside it. */
async function mirrored() {
  const stores = await temporaryPipeline()
  const { version: v1 } = await publishBaseline(stores)
  await sendPictures(stores, 0, 10)
  const one = embedderOn(stores)
  onTestFinished(() => one.embedder.stop())
  await drive(one, () => one.embedder.status.served !== undefined)
  const database = sqliteVectors(join(stores.folder, 'vectors.db'))
  onTestFinished(() => database.close())
  const follow = async () => {
    const mirror = await mirrorVectors(stores.stream, database)
    onTestFinished(() => mirror.stop())
    return mirror
  }
  const answers = async (version: string, picture: number) => {
    await expect.poll(() => database.aliased('stable'), { timeout: 10_000 }).toBe(version)
    const id = pictureId(picture)
    const [nearest] = database.search('stable', vectorOf(version, id), 1)
    expect(nearest?.id).toBe(id)
    expect(nearest?.similarity).toBeCloseTo(1, 5)
  }
  return { stores, one, v1, database, follow, answers }
}

it('answers from the version that serves, and from the next one once all its vectors are there', async () => {
  const { stores, one, v1, database, follow, answers } = await mirrored()
  await follow()
  await answers(v1, 3)
  const { version: v2 } = await publishCandidate(stores, 2)
  await sendPictures(stores, 10, 12)
  await drive(one, () => one.embedder.status.served?.id === `${v2}.1`)
  await answers(v2, 3)
  await answers(v2, 11)
  expect(database.search('stable', vectorOf(v2, pictureId(0)), 100)).toHaveLength(12)
  const state = await rollback(registryOf(stores), { by: 'ada', at: 3, why: 'worse' })
  await announce(stores.stream, 'main', state)
  await answers(v1, 3)
  expect(await database.collections()).toEqual([v1, v2])
})

it('goes on where it stopped, and keeps no collection that nobody goes back to', async () => {
  const { stores, one, v1, database, follow, answers } = await mirrored()
  const first = await follow()
  await answers(v1, 3)
  await first.stop()
  for (const n of [2, 3]) {
    const { version } = await publishCandidate(stores, n)
    await drive(one, () => one.embedder.status.served?.id === `${version}.1`)
    const next = await follow()
    await answers(version, 3)
    await next.stop()
  }
  const left = await database.collections()
  expect(left.map((version) => version.slice(0, 3))).toEqual(['v2-', 'v3-'])
})
