import { z } from 'zod'
import type { Digest } from '../store/types.ts'

const pattern = /^v([1-9]\d{0,14})-([0-9a-f]{12})$/

/** `v<n>-<first 12 hex digits of the manifest digest>`. */
export const versionIdSchema: z.ZodType<string> = z.string().regex(pattern)

/** Name of version `n` whose manifest has that digest. */
export function versionId(n: number, manifest: Digest): string {
  return `v${n}-${manifest.slice(0, 12)}`
}

/** The number inside a version id; `undefined` if it is none. */
export function versionNumber(id: string): number | undefined {
  const n = pattern.exec(id)?.[1]
  return n === undefined ? undefined : Number(n)
}
