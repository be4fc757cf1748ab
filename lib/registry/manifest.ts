import { z } from 'zod'
import { ArtifactError } from '../errors.ts'
import type { Digest, JsonObject } from '../store/types.ts'
import { canonicalJson } from './canonical.ts'
import {
  countSchema,
  type DocumentKind,
  digestSchema,
  jsonObjectSchema,
  readDocument,
} from './document.ts'
import { type GateReport, gateReportSchema } from './gate-report.ts'
import { versionIdSchema } from './version-id.ts'

/** One file of a version; its bytes are a blob of the space `models`. */
export interface ManifestFile {
  /** Relative, with `/`; for example `model.json`. */
  readonly path: string
  readonly bytes: number
  readonly sha256: Digest
}

/** Everything that a version is: its digest is the version's identity. */
export interface Manifest {
  readonly format: 1
  /** Name of the pipeline. */
  readonly name: string
  /** Name of the history that made it. */
  readonly lineage: string
  /** Number of the version, from 1. */
  readonly n: number
  /** The version it was trained from; absent for a baseline. */
  readonly parent?: string
  /** When it was frozen, ms since 1970. */
  readonly at: number
  readonly files: readonly ManifestFile[]
  readonly preprocessing: { readonly hash: string; readonly settings: JsonObject }
  /** Length of an embedding. */
  readonly dim: number
  /** Whether a mean is subtracted from the network's output. */
  readonly centred: boolean
  /** Name of the tensor engine that trained it. */
  readonly engine: string
  /** Next offset of each partition when the round began. */
  readonly offsets: Readonly<Record<string, number>>
  /** Digest of the round's frozen input; absent for a baseline. */
  readonly input?: Digest
  readonly centroids?: JsonObject
  readonly calibration?: JsonObject
  readonly training?: JsonObject
  /** Number of the round that made it, over all lineages; absent for a baseline. */
  readonly round?: number
  /** Why it was let through; absent for a baseline. */
  readonly gate?: GateReport
  /** Versions of this program and of what it runs on, by name. */
  readonly software: Readonly<Record<string, string>>
  /** Lease number of the learner that made it. */
  readonly fence: number
}

/** A path that cannot leave its folder, on any system. */
const pathSchema = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/)

const filesSchema = z
  .array(z.strictObject({ path: pathSchema, bytes: countSchema, sha256: digestSchema }))
  .min(1)
  .refine((files) => new Set(files.map(({ path }) => path.toLowerCase())).size === files.length, {
    message: 'expected each path once',
  })

/** How a manifest is stored. */
const manifestKind: DocumentKind<Manifest> = {
  format: 1,
  error: ArtifactError,
  schema: z.strictObject({
    format: z.literal(1),
    name: z.string().min(1),
    lineage: z.string().min(1),
    n: z.int().min(1),
    parent: versionIdSchema.exactOptional(),
    at: countSchema,
    files: filesSchema,
    preprocessing: z.strictObject({ hash: z.string().min(1), settings: jsonObjectSchema }),
    dim: z.int().min(1),
    centred: z.boolean(),
    engine: z.string().min(1),
    offsets: z.record(z.string(), countSchema),
    input: digestSchema.exactOptional(),
    centroids: jsonObjectSchema.exactOptional(),
    calibration: jsonObjectSchema.exactOptional(),
    training: jsonObjectSchema.exactOptional(),
    round: z.int().min(1).exactOptional(),
    gate: gateReportSchema.exactOptional(),
    software: z.record(z.string(), z.string()),
    fence: countSchema,
  }),
}

/** Manifests are refused above this size. */
export const maxManifestBytes = 16 * 2 ** 20

/**
 * The manifest's one text, as bytes.
 *
 * @throws {@link ArtifactError} if it is malformed.
 */
export function manifestBytes(manifest: Manifest): Uint8Array {
  return canonicalJson(readDocument('manifest', manifest, manifestKind))
}

/**
 * Reads a manifest that was stored.
 *
 * @param bytes - UTF-8 JSON.
 * @throws {@link ArtifactError} if it is malformed or of a newer format.
 */
export function readManifest(bytes: Uint8Array): Manifest {
  return readDocument('manifest', parseJson(bytes), manifestKind)
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new ArtifactError('manifest: expected JSON, got other bytes', { cause: error })
  }
}
