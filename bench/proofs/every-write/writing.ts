import type { Ports } from './place.ts'

/** A write path on a place of its own. */
export interface Writing {
  /** Does its writes on a process that fails at one operation. */
  run(ports: Ports): Promise<void>
  /**
   * Does on a sound process what the next start does, and looks at everything.
   *
   * @throws where something does not hold.
   */
  recover(ports: Ports): Promise<void>
  /** Lets so much time pass before the next run, ms. Default 0. */
  readonly everyMs?: number
}

/** One of the ways in which this program writes. */
export interface WritePath {
  readonly name: string
  /** Whether only operations that change something are failed: those that read poll without end. */
  readonly writesOnly?: boolean
  /** Makes what must be there before, on an empty place. */
  begin(ports: Ports): Promise<Writing>
}
