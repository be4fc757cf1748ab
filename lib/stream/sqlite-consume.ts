import { setImmediate as nextTurn } from 'node:timers/promises'
import { StreamError } from '../errors.ts'
import type { GroupCommit } from '../store/sqlite-commit.ts'
import { type Delivery, delivery } from './sqlite-delivery.ts'
import { streamError } from './sqlite-errors.ts'
import type { Groups } from './sqlite-groups.ts'
import { becomeOwner, keepOwning, memberName } from './sqlite-membership.ts'
import { checkedOffset, type Read, startOffset } from './sqlite-read.ts'
import { type Session, session } from './sqlite-session.ts'
import type { Part, Topics } from './sqlite-topics.ts'
import type { Watch } from './sqlite-watch.ts'
import type { Consumption, Partition, StartAt, Subscription } from './types.ts'

/** What a subscription needs of its surroundings. */
export interface ConsumeContext {
  readonly topics: Topics
  readonly groups: Groups
  readonly read: Read
  readonly commit: GroupCommit
  readonly watch: Watch
  readonly now: () => number
  /** Life of an ownership without renewal, in ms. */
  readonly leaseMs: number
  /** How often a batch is handed over before its rejection is fatal. */
  readonly attempts: number
  /** Pause before the second attempt, in ms. */
  readonly backOffMs: number
  /** Hears of each error that is no longer the consumer's alone. */
  readonly onFailure: (error: StreamError) => void
}

/** A consumption that its stream can end on its own account. */
export interface Consuming extends Consumption {
  fail(error: StreamError): void
}

/**
 * Runs a subscription: stands by, owns all partitions of its topics, delivers, hands back.
 *
 * @throws {@link StreamError} with reason `no-topic`.
 */
export function consume(context: ConsumeContext, subscription: Subscription): Consuming {
  const { topics, groups, commit } = context
  const { group } = subscription
  const parts = subscription.topics.flatMap((name) => topics.get(name).parts)
  const names = parts.map((part) => part.name)
  const stopping = new AbortController()
  const deliveries = new Map<Partition, Delivery>()
  const paused = new Set<Partition>()
  const reports = new Set<Promise<void>>()
  let current: Session | undefined
  let hasFailed = false

  async function run(): Promise<void> {
    const owner = memberName()
    try {
      while (!stopping.signal.aborted) {
        const epoch = await becomeOwner(groups, group, owner, context.leaseMs, stopping.signal)
        if (epoch !== undefined) await own(session(epoch))
      }
    } catch (error) {
      fail(streamError(`group ${group}`, error))
    }
  }

  /** One ownership, from `onAssign` to `onRevoke`. */
  async function own(mine: Session): Promise<void> {
    current = mine
    const stopRenewing = keepOwning(
      groups,
      group,
      mine.epoch,
      context.leaseMs,
      mine.lose,
      mine.fail,
    )
    if (stopping.signal.aborted) mine.revoke()
    const idle = () => Promise.all([...deliveries.values()].map((one) => one.idle()))
    try {
      await start(mine)
      const why = await mine.ended
      // Handed back only when no handler runs; what is lost is told at once.
      if (why === 'revoked') await idle()
      await answered('onRevoke', () => subscription.onRevoke(names, why))
      await idle()
      await Promise.all(reports)
    } finally {
      stopRenewing()
      mine.revoke()
      deliveries.clear()
      paused.clear()
      current = undefined
      release(mine)
    }
  }

  async function start(mine: Session): Promise<void> {
    const answers = await answered('onAssign', () => subscription.onAssign(names))
    const stopListening = context.watch.listen(() => {
      for (const one of deliveries.values()) one.wake()
    })
    mine.signal.addEventListener('abort', stopListening)
    if (mine.signal.aborted) return stopListening()
    for (const part of parts) deliveries.set(part.name, deliver(mine, part, answers.get(part.name)))
    for (const one of deliveries.values()) one.wake()
  }

  function deliver(mine: Session, part: Part, answer: StartAt | undefined): Delivery {
    const committed = groups.position(group, part)
    const from = startOffset(topics, part, answer, committed)
    if (committed === undefined) report(mine, part, from) // lag counts from here, retention too
    return delivery(
      {
        mayDeliver: () => {
          if (groups.member(group)?.epoch !== mine.epoch) mine.lose()
          return !mine.signal.aborted
        },
        isPaused: () => paused.has(part.name),
        read: (next) => context.read(part, next, subscription.maxBatchBytes),
        onBatch: (batch) => subscription.onBatch(batch, mine.signal),
        onError: mine.fail,
        signal: mine.signal,
        attempts: context.attempts,
        backOffMs: context.backOffMs,
      },
      from,
    )
  }

  /** Commits a position; if that fails, it is old, and the next one goes further. */
  function report(mine: Session, part: Part, next: number): void {
    const work = () => groups.report(group, mine.epoch, { part, next, at: context.now() })
    const done = commit(work)
      .then((isOurs) => isOurs || mine.lose())
      .catch((cause) => context.onFailure(streamError(`progress of ${group}`, cause)))
      .then(() => {
        reports.delete(done)
      })
    reports.add(done)
  }

  /** Lets the next one in at once; if that cannot be written, our lease runs out. */
  function release(mine: Session): void {
    try {
      groups.release(group, mine.epoch)
    } catch (error) {
      context.onFailure(streamError(`release of ${group}`, error))
    }
  }

  function fail(error: StreamError): void {
    if (hasFailed) return
    hasFailed = true
    stopping.abort()
    current?.fail(error)
    subscription.onFatal(error)
  }

  // In the next turn: the caller has its consumption before it is asked for a start.
  const done = nextTurn().then(run)
  return {
    pause: (chosen) => {
      for (const name of chosen) paused.add(name)
    },
    resume: (chosen) => {
      for (const name of chosen) {
        paused.delete(name)
        deliveries.get(name)?.wake()
      }
    },
    reportProgress: (name, nextOffset) => {
      checkedOffset(name, nextOffset)
      const part = parts.find((one) => one.name === name)
      if (part && current && deliveries.has(name)) report(current, part, nextOffset)
    },
    stop: async () => {
      stopping.abort()
      current?.revoke()
      await done
    },
    fail,
  }
}

/** What the subscriber answers; its rejection is fatal. */
async function answered<T>(method: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    const message = `${method}: expected the subscriber to answer, got: ${detail}`
    throw new StreamError(message, { reason: 'handler', cause })
  }
}
