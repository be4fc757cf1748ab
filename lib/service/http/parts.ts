import type { FastifyBaseLogger } from 'fastify'
import type { Config } from '../../config/schema.ts'
import type { DecodedImage } from '../../image/decode.ts'
import type { Preprocessing } from '../../image/options.ts'
import type { Metrics } from '../metrics.ts'
import type { ServingReleases } from '../serving-release.ts'
import type { EventLog } from './event-log.ts'
import type { StoreCalls } from './store-calls.ts'

/** Whether the process lives and may be given requests. */
export interface HealthReport {
  /** The watchdog is content. Never depends on a broker or a store. */
  readonly isLive: boolean
  readonly isReady: boolean
  /** Why not, and what is stale although it is ready; for people. */
  readonly notes: readonly string[]
}

/** Points of the map of a version. */
export interface MapColumns {
  /** Names this content. */
  readonly etag: string
  readonly points: number
  /** Columns one after another: float32 x, y, then uint16 cluster, then uint32 time (s). */
  readonly bytes: Uint8Array
}

/** Everything the server works with. All of it is asynchronous and computes on other threads. */
export interface HttpParts {
  readonly config: Pick<Config, 'http' | 'limits' | 'image'>
  readonly log: FastifyBaseLogger
  readonly metrics: Metrics
  /** What `stable` names. */
  readonly releases: ServingReleases
  /** What `stable` named before; absent where memory does not hold both. */
  readonly previous?: Pick<ServingReleases, 'use'>
  readonly decoders: {
    /** Pixels as a release wants them: releases of different lineages may differ. */
    decode(bytes: Uint8Array, preprocessing: Preprocessing): Promise<DecodedImage>
    thumbnail(bytes: Uint8Array): Promise<Uint8Array>
  }
  readonly store: StoreCalls
  readonly events: EventLog
  /** Last known health, without I/O. */
  readonly health: () => HealthReport
  /** The map of a version, newest first asked for; absent: there are no maps. */
  readonly map?: (version: string) => Promise<MapColumns | undefined>
  /** ms since 1970. */
  readonly now: () => number
}
