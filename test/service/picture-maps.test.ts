import { expect, it, onTestFinished } from 'vitest'
import { StoreError } from '../../lib/errors.ts'
import { openRegistry } from '../../lib/registry/registry.ts'
import { generations } from '../../lib/search/generations.ts'
import { readMap } from '../../lib/search/map-document.ts'
import { sealRows } from '../../lib/search/seal.ts'
import { pictureMaps } from '../../lib/service/picture-maps.ts'
import { dim, noLimits, pictureRows, sealed } from '../search/generation-support.ts'
import { move, smallModel, storeModel } from '../support/models.ts'
import { temporaryStores } from '../support/stores.ts'

const partition = 'images.unlabeled/0'

/** Versions with an index each, and maps of them. */
function shop() {
  const stores = temporaryStores()
  const registry = openRegistry({ ...stores, name: 'main' })
  const all = generations(stores.documents)
  const facts = { identities: {} as Record<string, number>, erased: new Set<string>() }
  const open = () => {
    const maps = pictureMaps({
      registry,
      identities: async () => facts.identities,
      erased: async () => facts.erased,
    })
    onTestFinished(() => maps.close())
    return maps
  }
  const publish = async (n: number, pictures: number, seed = n) => {
    const entry = await storeModel(registry, smallModel(n))
    const { version, manifest } = entry
    const generation = await all.create({ version, manifest, preprocessing: 'p', dim, at: n }, 1)
    const entered = await all.update(generation.id, (present) => ({
      ...present,
      next: { [partition]: 0 },
      follow: { [partition]: 0 },
    }))
    if (pictures > 0) await add(entered.id, 0, pictures, seed)
    return entry
  }
  const add = async (id: string, from: number, to: number, seed: number) => {
    const generation = await all.read(id)
    if (generation === undefined) throw new Error(`expected ${id}`)
    const rows = pictureRows(from, to - from, seed)
    await sealRows(stores.blobs, all, generation, { ...sealed(from, to), rows }, noLimits)
  }
  return { stores, registry, facts, open, publish, add }
}

const pointsIn = (bytes: Uint8Array, n: number) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return Array.from({ length: n }, (_, row) => ({
    x: view.getFloat32(4 * row, true),
    y: view.getFloat32(4 * (n + row), true),
    cluster: view.getUint16(8 * n + 2 * row, true),
  }))
}

it('shows all pictures of a version, by its own name and as stable', async () => {
  const { registry, facts, open, publish } = shop()
  const entry = await publish(1, 40)
  await registry.stable.move(entry, { move })
  const [first] = pictureRows(0, 40)
  facts.identities = { [String(first?.id)]: 9 }
  const maps = open()
  const map = await maps.columns('v1')
  expect([map?.points, map?.bytes.length]).toEqual([40, 560])
  const points = pointsIn(map?.bytes as Uint8Array, 40)
  expect(points.filter(({ cluster }) => cluster === 9)).toHaveLength(1)
  expect(new Set(points.map(({ x }) => x)).size).toBeGreaterThan(30)
  expect((await maps.columns('stable'))?.etag).toBe(map?.etag)
})

it('lies where it lay after a restart, though pictures came and one was erased', async () => {
  const { facts, open, publish, add } = shop()
  const { version } = await publish(1, 40)
  const before = await open().columns('v1')
  await add(`${version}.1`, 40, 50, 8)
  const [first] = pictureRows(0, 40, 1)
  facts.erased = new Set([String(first?.id)])
  const after = await open().columns('v1')
  expect(after?.points).toBe(49)
  expect(after?.etag).not.toBe(before?.etag)
  const old = pointsIn(before?.bytes as Uint8Array, 40).map(({ x, y }) => `${x} ${y}`)
  const now = new Set(pointsIn(after?.bytes as Uint8Array, 49).map(({ x, y }) => `${x} ${y}`))
  expect(old.filter((one) => now.has(one))).toHaveLength(39)
})

it('looks again at its axes once there are twice as many pictures', async () => {
  const { stores, open, publish, add } = shop()
  const { version } = await publish(1, 10)
  const maps = open()
  await maps.columns('v1')
  expect((await readMap(stores.documents, version))?.landmarks.ids).toHaveLength(10)
  await add(`${version}.1`, 10, 20, 8)
  expect((await maps.columns('v1'))?.points).toBe(20)
  expect((await readMap(stores.documents, version))?.landmarks.ids).toHaveLength(20)
})

it('lays the next version onto the map of the one before', async () => {
  const { open, publish } = shop()
  await publish(1, 60, 5)
  await publish(2, 60, 5) // the same vectors: the same places
  const maps = open()
  const first = pointsIn((await maps.columns('v1'))?.bytes as Uint8Array, 60)
  const second = pointsIn((await maps.columns('v2'))?.bytes as Uint8Array, 60)
  for (const [i, { x, y }] of first.entries()) {
    expect(second[i]?.x).toBeCloseTo(x, 4)
    expect(second[i]?.y).toBeCloseTo(y, 4)
  }
})

it('has no map of what is not there or has no index, and an empty one of an empty index', async () => {
  const { registry, open, publish } = shop()
  await storeModel(registry, smallModel(1))
  await publish(2, 0)
  const maps = open()
  expect(await maps.columns('v1')).toBeUndefined()
  expect(await maps.columns('v7')).toBeUndefined()
  expect(await maps.columns('v2')).toEqual({ etag: 'empty', points: 0, bytes: new Uint8Array() })
})

it('shows maps that it may not keep, and works them out once', async () => {
  const { stores, facts, publish } = shop()
  const { version } = await publish(1, 40)
  let refusals = 0
  const refuse = async () => {
    refusals += 1
    throw new StoreError('put: expected the bucket to take it', { reason: 'read-only' })
  }
  const documents = { ...stores.documents, create: refuse, swap: refuse }
  const maps = pictureMaps({
    registry: openRegistry({ ...stores, documents, name: 'main' }),
    identities: async () => facts.identities,
    erased: async () => facts.erased,
  })
  onTestFinished(() => maps.close())
  const first = await maps.columns('v1')
  expect(first?.points).toBe(40)
  expect((await maps.columns('v1'))?.etag).toBe(first?.etag)
  expect(refusals).toBe(1)
  expect(await readMap(stores.documents, version)).toBeUndefined()
})
