import type { HousekeepingReport } from './housekeeping.ts'

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** Bytes as people read them: `1.5 GiB`. */
export function sizeText(bytes: number): string {
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  const value = bytes / 2 ** (10 * power)
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`
}

/** Bytes that go, or went. */
export function freedBytes({ blobs, orphans, records }: HousekeepingReport): number {
  const amounts = [...Object.values(blobs), orphans, records]
  return amounts.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** What a pass did, in one line; undefined if it is not worth one. */
export function housekeepingText(report: HousekeepingReport): string | undefined {
  const { documents, blobs, orphans, records, released, unreadable } = report
  const blobCount = Object.values(blobs).reduce((sum, { count }) => sum + count, 0)
  const gone = [
    [documents.length, 'documents'],
    [blobCount, 'blobs'],
    [orphans.count, 'stray files'],
    [records.count, 'records'],
  ] as const
  const parts = gone.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  const lines = [
    ...(parts.length > 0
      ? [`${parts.join(', ')} gone, ${sizeText(freedBytes(report))} freed`]
      : []),
    ...(released > 0 ? [`${released} pictures need no longer be kept`] : []),
    ...(unreadable.length > 0
      ? [`${unreadable.join(', ')} cannot be read, what they may name stays`]
      : []),
  ]
  return lines.length > 0 ? `housekeeping: ${lines.join('; ')}` : undefined
}
