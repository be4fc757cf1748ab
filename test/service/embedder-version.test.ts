import { expect, it, onTestFinished } from 'vitest'
import { decodeImage } from '../../lib/image/decode.ts'
import { preprocessingHash } from '../../lib/image/fingerprint.ts'
import { defaultImageLimits as limits, type Preprocessing } from '../../lib/image/options.ts'
import { saveArtifact } from '../../lib/model/artifact.ts'
import { flatten } from '../../lib/model/flatten.ts'
import { manifestFile } from '../../lib/registry/version-files.ts'
import { versionEmbedder } from '../../lib/service/embedder-version.ts'
import { openMetrics } from '../../lib/service/metrics.ts'
import { servedModel } from '../../lib/service/served-model.ts'
import { busy } from '../fixtures/image/pictures.ts'
import { engine } from '../support/engine.ts'
import { smallModel, storeModel } from '../support/models.ts'
import { temporaryStores } from '../support/stores.ts'
import { registryOf } from './embedder-support.ts'

const preprocessing: Preprocessing = {
  size: 16,
  channels: 'grey',
  background: '#808080',
  mean: [127.5],
  std: [127.5],
}

it('makes of a picture the vector that the version makes elsewhere', async () => {
  const registry = registryOf(temporaryStores())
  const network = flatten({ size: 16, channels: 1 })
  const files = { ...(await saveArtifact(network)) }
  network.dispose()
  const manifest = {
    ...smallModel(1).manifest,
    files: Object.entries(files).map(([path, bytes]) => manifestFile(path, bytes)),
    preprocessing: {
      hash: preprocessingHash(preprocessing),
      settings: JSON.parse(JSON.stringify(preprocessing)),
    },
    dim: 256,
    centred: false,
  }
  const entry = await storeModel(registry, { manifest, files })
  const version = await versionEmbedder(registry, entry, {
    engine: engine.name,
    limits,
    processes: 1,
    metrics: openMetrics('embed'),
  })
  onTestFinished(() => version.close())
  expect(version).toMatchObject({
    version: entry.version,
    preprocessingHash: preprocessingHash(preprocessing),
    dim: 256,
  })
  const bytes = await busy().jpeg().toBuffer()
  const { pixels } = await version.decoders.decode(bytes)
  expect(pixels).toEqual((await decodeImage(bytes, limits, preprocessing)).pixels)
  const here = await servedModel(registry, entry.version)
  const expected = await here.embed(pixels)
  here.dispose()
  expect(await version.embed(pixels)).toEqual(expected)
})
