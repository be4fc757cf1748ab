import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { type LayersModel, type Tensor2D, type Tensor4D, tf } from '../../lib/engine/tf.ts'
import { ArtifactError } from '../../lib/errors.ts'
import { type ModelFiles, saveArtifact, writeModelFolder } from '../../lib/model/artifact.ts'
import { conv4 } from '../../lib/model/conv4.ts'
import { modelFromFolder } from '../../lib/model/from-folder.ts'

const root = await mkdtemp(join(tmpdir(), 'contrastream-from-folder-'))
let folders = 0
async function folderOf(files: ModelFiles): Promise<string> {
  folders += 1
  const folder = join(root, `${folders}`)
  await writeModelFolder(folder, files)
  return folder
}

/** Colour pictures of any size to a map of four features. */
function mapNetwork(): LayersModel {
  const input = tf.input({ shape: [null, null, 3] })
  const map = tf.layers.conv2d({ name: 'map', filters: 4, kernelSize: 3 }).apply(input)
  return tf.model({ inputs: input, outputs: map as typeof input })
}
const mapFiles = await saveArtifact(mapNetwork())
const rowFiles = await saveArtifact(conv4({ size: 16, channels: 1, dim: 8 }))

const served = new Map<string, Uint8Array>([
  ['/m/model.json', mapFiles['model.json']],
  ['/m/weights.bin', mapFiles['weights.bin']],
  ['/long/model.json', mapFiles['model.json']],
  ['/long/weights.bin', new Uint8Array(1e6)],
  ['/part/model.json', mapFiles['model.json']],
])
const server = createServer((request, response) => {
  const found = served.get(request.url ?? '')
  response.writeHead(found === undefined ? 404 : 200).end(found)
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
afterAll(async () => {
  server.close()
  await rm(root, { recursive: true })
})

it('pools a map of features to its mean', async () => {
  const { network, dim } = await modelFromFolder(await folderOf(mapFiles))
  const images = tf.randomNormal([2, 7, 7, 3], 0, 1, 'float32', 1) as Tensor4D
  const map = network.layers.find(({ name }) => name === 'map')?.apply(network.inputs) as never
  const plain = tf.model({ inputs: network.inputs, outputs: map })
  const expected = tf.mean(plain.apply(images) as Tensor4D, [1, 2]) as Tensor2D
  const found = await (network.apply(images) as Tensor2D).array()
  expect(dim).toBe(4)
  ;(await expected.array()).forEach((row, i) => {
    row.forEach((value, c) => {
      expect(found[i]?.[c]).toBeCloseTo(value, 5)
    })
  })
})

it('leaves rows of features as they are and says what the network takes', async () => {
  const folder = await folderOf(rowFiles)
  const backbone = await modelFromFolder(folder)
  expect(backbone).toMatchObject({
    dim: 8,
    channels: 'grey',
    size: 16,
    mean: [127.5],
    std: [127.5],
  })
  expect(backbone.network.outputShape).toEqual([null, 8])
  expect(backbone.digest).toMatch(/^[0-9a-f]{64}$/)
})

it('takes a normalisation in place of its own', async () => {
  const normalisation = { mean: [1, 2, 3], std: [4, 5, 6] }
  const backbone = await modelFromFolder(await folderOf(mapFiles), normalisation)
  expect(backbone).toMatchObject({ ...normalisation, channels: 'rgb', size: undefined })
})

it('reads the same network from a folder, a file and a URL of either', async () => {
  const folder = await folderOf(mapFiles)
  const places = [folder, `${folder}/`, `${folder}/model.json`, `${host}/m`, `${host}/m/model.json`]
  const backbones = await Promise.all(places.map((place) => modelFromFolder(place)))
  expect(new Set(backbones.map(({ digest }) => digest)).size).toBe(1)
})

it('leaves nothing behind when its network is disposed', async () => {
  const folder = await folderOf(mapFiles)
  const before = tf.memory().numTensors
  const { network } = await modelFromFolder(folder)
  network.dispose()
  expect(tf.memory().numTensors).toBe(before)
})

const text = new TextDecoder().decode(mapFiles['model.json'])
const unknownLayer = new TextEncoder().encode(text.replace('"Conv2D"', '"Swish9"'))

it.each([
  ['no folder', async () => join(root, 'absent'), 'absent/model.json, got ENOENT'],
  ['other bytes', () => folderOf({ 'model.json': Uint8Array.of(1) }), 'model.json must be JSON'],
  [
    'no weights',
    () => folderOf({ 'model.json': mapFiles['model.json'] }),
    'weights.bin, got ENOENT',
  ],
  [
    'too few bytes of weights',
    () => folderOf({ ...mapFiles, 'weights.bin': mapFiles['weights.bin'].slice(4) }),
    'weights.bin must have 448 bytes, got 444',
  ],
  [
    'too many bytes of weights',
    () => folderOf({ ...mapFiles, 'weights.bin': new Uint8Array(452) }),
    'weights.bin must have 448 bytes, got 452',
  ],
  ['an unknown layer', () => folderOf({ ...mapFiles, 'model.json': unknownLayer }), 'Swish9'],
  ['a server without it', async () => `${host}/nothing`, 'got status 404'],
  ['a server without weights', async () => `${host}/part`, 'part/weights.bin, got status 404'],
  ['a server that does not end', async () => `${host}/long`, 'got more than 448 bytes'],
  [
    'no server',
    async () => 'http://127.0.0.1:1/x',
    'expected to read http://127.0.0.1:1/x/model.json',
  ],
])('refuses %s by name', async (_, place, message) => {
  const location = await place()
  const loading = modelFromFolder(location)
  await expect(loading).rejects.toThrow(ArtifactError)
  await expect(loading).rejects.toThrow(message)
  await expect(loading).rejects.toThrow(location)
})

it.each([
  ['flat pictures', [8], 'an input [?, size, size, 1 or 3], got [,8]'],
  ['pictures of four channels', [8, 8, 4], 'an input [?, size, size, 1 or 3]'],
  ['pictures that are not square', [8, 9, 3], 'an input [?, size, size, 1 or 3]'],
])('refuses a network that takes %s', async (_, shape, message) => {
  const input = tf.input({ shape })
  const output = tf.layers.dense({ units: 2 }).apply(input) as typeof input
  const files = await saveArtifact(tf.model({ inputs: input, outputs: output }))
  await expect(modelFromFolder(await folderOf(files))).rejects.toThrow(message)
})
