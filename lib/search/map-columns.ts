import type { MapPoints } from './map-axes.ts'

/** Points of the pictures of one block. */
export interface PlacedBlock extends MapPoints {
  /** When each picture arrived, ms since 1970. */
  readonly times: Float64Array
}

/** What is known of pictures beside their vectors. */
export interface PictureFacts {
  /** Identity of the cluster of each picture that is in one. */
  readonly identities: Readonly<Record<string, number>>
  /** Pictures that must not be shown. */
  readonly erased: ReadonlySet<string>
}

/** Cluster of a picture that is in none, and of those with a number beyond it. */
export const noCluster = 0xffff

/**
 * Points as columns, little-endian, one after another: float32 x, float32 y, uint16 cluster,
 * uint32 time in seconds since 1970. Each picture once, erased ones left out.
 */
export function mapColumns(
  placed: Iterable<PlacedBlock>,
  { identities, erased }: PictureFacts,
): { readonly points: number; readonly bytes: Uint8Array } {
  const points = new Map<string, readonly [block: PlacedBlock, row: number]>()
  for (const block of placed) {
    for (const [row, id] of block.ids.entries()) if (!erased.has(id)) points.set(id, [block, row])
  }
  const n = points.size
  const bytes = new Uint8Array(14 * n)
  const view = new DataView(bytes.buffer)
  let row = 0
  for (const [id, [block, at]] of points) {
    view.setFloat32(4 * row, block.x[at] as number, true)
    view.setFloat32(4 * (n + row), block.y[at] as number, true)
    view.setUint16(8 * n + 2 * row, Math.min(identities[id] ?? noCluster, noCluster), true)
    view.setUint32(10 * n + 4 * row, Math.floor((block.times[at] as number) / 1_000), true)
    row += 1
  }
  return { points: n, bytes }
}
