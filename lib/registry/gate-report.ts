import { z } from 'zod'
import type { JsonObject } from '../store/types.ts'
import { jsonObjectSchema } from './document.ts'
import { versionIdSchema } from './version-id.ts'

/** What the gate says of a candidate. */
export type Verdict = 'promote' | 'hold' | 'reject'

/** The gate's answer, as manifests, moves and audit keep it. */
export interface GateReport {
  readonly verdict: Verdict
  /** Why, in one sentence for people. */
  readonly reason: string
  /** The version it was compared with; absent when there was none. */
  readonly champion?: string
  /** Signals with their intervals. */
  readonly details?: JsonObject
}

/** How a gate report is stored. */
export const gateReportSchema: z.ZodType<GateReport> = z.strictObject({
  verdict: z.enum(['promote', 'hold', 'reject']),
  reason: z.string(),
  champion: versionIdSchema.exactOptional(),
  details: jsonObjectSchema.exactOptional(),
})

/** The report without its details, as a channel's move keeps it. */
export function summaryOf({ details: _, ...summary }: GateReport): GateReport {
  return summary
}
