import { z } from 'zod'
import { RegistryError } from '../errors.ts'
import { plainJson } from '../registry/canonical.ts'
import {
  countSchema,
  type DocumentKind,
  listAll,
  readDocument,
  readFound,
  writeOver,
} from '../registry/document.ts'
import { versionIdSchema, versionNumber } from '../registry/version-id.ts'
import type { DocumentStore } from '../store/types.ts'
import type { MapAxes, MapPoints } from './map-axes.ts'

/** A map as it is kept, so that it does not jump: neither at a restart, nor with the next model. */
export interface StoredMap {
  readonly version: string
  readonly axes: MapAxes
  /** Where its landmarks lie. Of their ids only the first 16 characters. */
  readonly landmarks: MapPoints
}

interface MapDocument {
  readonly format: 1
  readonly version: string
  readonly dim: number
  /** float32, little-endian, base64. */
  readonly weights: string
  readonly offset: readonly [number, number]
  /** 8 bytes of the id and two float32 each, base64. */
  readonly landmarks: string
}

const kind: DocumentKind<MapDocument> = {
  format: 1,
  error: RegistryError,
  schema: z.strictObject({
    format: z.literal(1),
    version: versionIdSchema,
    dim: countSchema,
    weights: z.base64(),
    offset: z.tuple([z.number(), z.number()]),
    landmarks: z.base64(),
  }),
}

const prefix = 'maps/'
const idBytes = 8
const rowBytes = idBytes + 8

/** An id as landmarks have it. */
export const landmarkId = (id: string): string => id.slice(0, 2 * idBytes)

function packed({ ids, x, y }: MapPoints): string {
  const bytes = Buffer.alloc(ids.length * rowBytes)
  for (const [row, id] of ids.entries()) {
    bytes.write(landmarkId(id), row * rowBytes, 'hex')
    bytes.writeFloatLE(x[row] as number, row * rowBytes + idBytes)
    bytes.writeFloatLE(y[row] as number, row * rowBytes + idBytes + 4)
  }
  return bytes.toString('base64')
}

function unpacked(text: string): MapPoints {
  const bytes = Buffer.from(text, 'base64')
  const rows = Array.from(
    { length: Math.floor(bytes.length / rowBytes) },
    (_, row) => row * rowBytes,
  )
  return {
    ids: rows.map((at) => bytes.toString('hex', at, at + idBytes)),
    x: Float32Array.from(rows, (at) => bytes.readFloatLE(at + idBytes)),
    y: Float32Array.from(rows, (at) => bytes.readFloatLE(at + idBytes + 4)),
  }
}

function documentOf({ version, axes, landmarks }: StoredMap): MapDocument {
  const { dim, data } = axes.weights
  const weights = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
  return { format: 1, version, dim, weights, offset: axes.offset, landmarks: packed(landmarks) }
}

function mapOf({ version, dim, weights, offset, landmarks }: MapDocument): StoredMap {
  const data = new Float32Array(Uint8Array.from(Buffer.from(weights, 'base64')).buffer)
  const axes = { weights: { rows: 2, dim, data }, offset }
  return { version, axes, landmarks: unpacked(landmarks) }
}

/** The map of a version, if one was made. */
export async function readMap(
  documents: DocumentStore,
  version: string,
): Promise<StoredMap | undefined> {
  const key = `${prefix}${version}`
  const found = await readFound(documents, key)
  return found && mapOf(readDocument(key, found.value, kind))
}

/** The map that another one is to lie on: of the nearest version before it, else of any. */
export async function mapBefore(
  documents: DocumentStore,
  version: string,
): Promise<StoredMap | undefined> {
  const number = versionNumber(version) ?? 0
  const others = (await listAll(documents, prefix))
    .map((key) => key.slice(prefix.length))
    .filter((one) => one !== version)
    .sort((a, b) => (versionNumber(b) ?? 0) - (versionNumber(a) ?? 0))
  const before = others.find((one) => (versionNumber(one) ?? 0) < number) ?? others[0]
  return before === undefined ? undefined : readMap(documents, before)
}

/**
 * Keeps a map.
 *
 * @param replaced - The map of that version that this one takes the place of; absent: there is none.
 * @returns The map that is kept: of two made at a time, the first.
 */
export async function keepMap(
  documents: DocumentStore,
  map: StoredMap,
  replaced: StoredMap | undefined,
): Promise<StoredMap> {
  const key = `${prefix}${map.version}`
  const value = plainJson(documentOf(map))
  const found = replaced === undefined ? undefined : await readFound(documents, key)
  const write = await writeOver(documents, key, value, found)
  return write.ok ? map : mapOf(readDocument(key, write.current?.value, kind))
}
