import type { GateReport } from '../../lib/registry/gate-report.ts'
import { type Manifest, manifestBytes } from '../../lib/registry/manifest.ts'
import type { Registry } from '../../lib/registry/registry.ts'
import { manifestFile, type VersionFiles } from '../../lib/registry/version-files.ts'
import type { VersionEntry } from '../../lib/registry/versions.ts'

/** A model of a few bytes. */
export interface SmallModel {
  readonly manifest: Manifest
  readonly files: VersionFiles
}

const text = new TextEncoder()

/** Files and manifest of version `n`: different for each `n` and `salt`, alike otherwise. */
export function smallModel(
  n: number,
  options: { readonly champion?: string; readonly salt?: string; readonly fence?: number } = {},
): SmallModel {
  const files = {
    'model.json': text.encode(`{"model":${n}${options.salt ?? ''}}`),
    'weights.bin': Uint8Array.from([n, 2, 3]),
  }
  const gate: GateReport | undefined = options.champion
    ? { verdict: 'promote', reason: 'better', champion: options.champion, details: { wins: 2 } }
    : undefined
  const manifest: Manifest = {
    format: 1,
    name: 'main',
    lineage: 'main',
    n,
    at: 1_700_000_000_000,
    files: Object.entries(files).map(([path, bytes]) => manifestFile(path, bytes)),
    preprocessing: { hash: 'p', settings: { size: 64 } },
    dim: 4,
    centred: true,
    engine: 'tensorflow',
    offsets: { 'images.unlabeled/0': n },
    ...(gate && { gate, round: n }),
    software: { contrastream: '0.1.0' },
    fence: options.fence ?? 1,
  }
  return { manifest, files }
}

/** Stores a model and its version, without naming it in a channel. */
export async function storeModel(
  registry: Registry,
  { manifest, files }: SmallModel,
): Promise<VersionEntry> {
  for (const bytes of Object.values(files)) await registry.blobs.put('models', bytes)
  const digest = await registry.blobs.put('models', manifestBytes(manifest))
  return registry.versions.create(manifest.n, digest)
}

/** Who moves channels in tests. */
export const move = { by: 'test', at: 1, why: 'because' } as const
