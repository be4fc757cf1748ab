import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { type LayersModel, type Tensor2D, tf } from '../../lib/engine/tf.ts'
import { ArtifactError, StoreError } from '../../lib/errors.ts'
import {
  artifactDigest,
  folderReader,
  loadArtifact,
  type ModelFiles,
  saveArtifact,
  sha256,
  writeModelFolder,
} from '../../lib/model/artifact.ts'
import { conv4 } from '../../lib/model/conv4.ts'
import { efficientnetLite0 } from '../../lib/model/efficientnet-lite0.ts'
import { readWeights } from '../../lib/model/weights.ts'

const folder = await mkdtemp(join(tmpdir(), 'contrastream-artifact-'))
afterAll(() => rm(folder, { recursive: true }))
const small = () => conv4({ size: 16, channels: 1, dim: 8, seed: 2 })
const images = tf.randomNormal([2, 16, 16, 1], 0, 1, 'float32', 1)
const outputs = (network: LayersModel) =>
  (network.apply(images, { training: false }) as Tensor2D).array()

it('gives back a network with the same weights and vectors', async () => {
  const network = small()
  const loaded = await loadArtifact(await saveArtifact(network))
  expect(await readWeights(loaded)).toEqual(await readWeights(network))
  expect(await outputs(loaded)).toEqual(await outputs(network))
})

it('gives the same bytes for the same network, before and after a round trip', async () => {
  const files = await saveArtifact(small())
  expect(await saveArtifact(small())).toEqual(files)
  expect(await saveArtifact(await loadArtifact(files))).toEqual(files)
})

it('is read by plain tf.loadLayersModel', async () => {
  const network = small()
  const files: ModelFiles = await saveArtifact(network)
  const fetchFunc: typeof fetch = async (url) =>
    new Response(Buffer.from(files[new URL(`${url}`).pathname.slice(1)] ?? []))
  const plain = await tf.loadLayersModel(tf.io.http('http://model/model.json', { fetchFunc }))
  expect(await outputs(plain)).toEqual(await outputs(network))
})

it('keeps the layers of a large network, names included', async () => {
  const network = efficientnetLite0()
  const loaded = await loadArtifact(await saveArtifact(network))
  expect(loaded.layers.map(({ name }) => name)).toEqual(network.layers.map(({ name }) => name))
  for (const each of [network, loaded]) each.dispose()
})

it('leaves only the network alive', async () => {
  const before = tf.memory().numTensors
  const network = small()
  const loaded = await loadArtifact(await saveArtifact(network))
  for (const each of [network, loaded]) each.dispose()
  expect(tf.memory().numTensors).toBe(before)
})

it('refuses missing, short, long and unlisted files', async () => {
  const files = await saveArtifact(small())
  const weights = files['weights.bin']
  const long = new Uint8Array(weights.length + 1)
  const size = weights.length
  const cases = [
    [{ 'model.json': files['model.json'] }, 'expected weights.bin, got no such file'],
    [{ 'weights.bin': weights }, 'expected model.json, got no such file'],
    [{ ...files, 'weights.bin': weights.slice(1) }, `must have ${size} bytes, got ${size - 1}`],
    [{ ...files, 'weights.bin': long }, `must have ${size} bytes, got ${size + 1}`],
    [{ ...files, 'more.bin': weights }, 'expected listed files only, got more.bin'],
  ] as const
  for (const [wrong, message] of cases) {
    await expect(loadArtifact(wrong)).rejects.toThrow(ArtifactError)
    await expect(loadArtifact(wrong)).rejects.toThrow(message)
  }
})

it('has one digest for all files, whatever their order', async () => {
  const { 'model.json': json, 'weights.bin': weights } = await saveArtifact(small())
  const digest = artifactDigest({ 'model.json': json, 'weights.bin': weights })
  expect(artifactDigest({ 'weights.bin': weights, 'model.json': json })).toBe(digest)
  expect(artifactDigest({ 'model.json': weights, 'weights.bin': json })).not.toBe(digest)
  expect(artifactDigest({ 'model.json': json, 'weights.bin': weights.slice(1) })).not.toBe(digest)
})

it('digests bytes by sha256', () => {
  expect(sha256(new TextEncoder().encode('abc'))).toMatch(/^ba7816bf8f01cfea.*f20015ad$/)
})

it('writes a folder whole or not at all', async () => {
  const path = join(folder, 'whole')
  const files = { 'model.json': Uint8Array.of(1), 'part/weights.bin': Uint8Array.of(2) }
  await writeModelFolder(path, files)
  expect(await readdir(path)).toEqual(['model.json', 'part'])
  await expect(writeModelFolder(path, files)).rejects.toThrow(StoreError) // it is not empty
  const blocked = join(folder, 'file')
  await writeFile(blocked, '')
  await expect(writeModelFolder(join(blocked, 'model'), files)).rejects.toThrow('got ENOTDIR')
  expect((await readdir(folder)).filter((name) => name.includes('draft'))).toEqual([])
})

it('names the file that it cannot read and the one that is too long', async () => {
  const read = folderReader('here', folder)
  await writeFile(join(folder, 'long'), '12345')
  await expect(read('absent', 9)).rejects.toThrow(
    `here: expected to read ${folder}/absent, got ENOENT`,
  )
  await expect(read('long', 4)).rejects.toThrow('must have 4 bytes, got 5')
})
