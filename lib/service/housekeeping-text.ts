import type { HousekeepingReport } from './housekeeping.ts'

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const
/** A pass that frees less is not worth a line. */
const worthTelling = 2 ** 20

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
  const { blobs, records, unreadable } = report
  const freed = freedBytes(report)
  const pictures = `${blobs.pictures.count} pictures and ${records.count} records`
  const lines = [
    ...(freed >= worthTelling ? [`${sizeText(freed)} freed, ${pictures} among them`] : []),
    ...(unreadable.length > 0
      ? [`${unreadable.join(', ')} cannot be read, what they may name stays`]
      : []),
  ]
  return lines.length > 0 ? `housekeeping: ${lines.join('; ')}` : undefined
}
