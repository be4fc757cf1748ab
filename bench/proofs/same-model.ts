import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodePng } from '../../lib/image/encode.ts'
import { openRegistry } from '../../lib/registry/registry.ts'
import { openDatabase } from '../../lib/service/database.ts'
import { glyphPicture, glyphSize } from '../../lib/service/demo-glyphs.ts'
import { fileBlobs } from '../../lib/store/file.ts'
import { sqliteDocuments } from '../../lib/store/sqlite.ts'
import { writeLoudBackbone } from '../../test/integration/loud-backbone.ts'
import { kafkaVersions, startBroker } from '../../test/kafka/broker.ts'
import { program } from './program.ts'
import type { Found } from './proof.ts'

const kinds = 10
const seed = 7

/**
 * The same pictures under the same seed make the same model, whether SQLite or Kafka carries them.
 *
 * @param args - Pictures of each of ten kinds, default 24.
 */
export async function sameModel([each = '24']: readonly string[]): Promise<Found> {
  const folder = mkdtempSync(join(tmpdir(), 'contrastream-same-'))
  const broker = await startBroker(kafkaVersions.newest)
  try {
    const pictures = join(folder, 'pictures')
    await writePictures(pictures, Number(each))
    const backbone = join(folder, 'backbone')
    await writeLoudBackbone(backbone)
    const kafka = ['stream.adapter=kafka', `kafka.brokers=["${broker.address}"]`]
    const streams = {
      sqlite: [],
      'sqlite again': [],
      kafka: [...kafka, 'kafka.partitions=1'],
    }
    const found: Record<string, string> = {}
    for (const [name, settings] of Object.entries(streams)) {
      found[name] = await modelOf(pictures, join(folder, name), [
        `model.backbone=${backbone}`,
        ...settings,
      ])
    }
    const digests = new Set(Object.values(found))
    const isTrained = !digests.values().some((digest) => digest.startsWith('v1 '))
    const lines = Object.entries(found).map(([name, digest]) => `${name}: ${digest}`)
    return {
      lines: [`${kinds * Number(each)} pictures, seed ${seed}`, ...lines],
      holds: isTrained && digests.size === 1,
    }
  } finally {
    await broker.dispose()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function writePictures(into: string, each: number): Promise<void> {
  mkdirSync(into)
  for (let number = 0; number < kinds * each; number += 1) {
    const pixels = glyphPicture(seed, number % kinds, number)
    const png = await encodePng(pixels, glyphSize, glyphSize)
    writeFileSync(join(into, `${String(number).padStart(6, '0')}.png`), png)
  }
}

/** Digests of the files of the last version that a run makes, by an engine of one thread. */
async function modelOf(pictures: string, data: string, more: readonly string[]): Promise<string> {
  const settings = [
    ...[`seed=${seed}`, 'engine=wasm', 'model.recipe=head', 'image.channels=grey'],
    ...['learn.steps=30', `learn.k=${kinds}`, 'limits.decoders=1', 'logging.level=warn', ...more],
  ]
  await program([
    ...['run', pictures, '--data', data, '--until', 'idle'],
    ...settings.flatMap((setting) => ['--set', setting]),
  ])
  const database = openDatabase(data)
  const stores = { documents: sqliteDocuments(database), blobs: fileBlobs(data, database) }
  const registry = openRegistry({ ...stores, name: 'main' })
  const [last] = await registry.versions.list()
  if (last === undefined) throw new Error(`same-model: expected a version in ${data}, got none`)
  const { files } = await registry.manifest(last.manifest)
  database.close()
  const number = last.version.split('-')[0]
  return [number, ...files.map(({ path, sha256 }) => `${path} ${sha256.slice(0, 12)}`)].join(' · ')
}
