import { StreamError } from '../errors.ts'

/** What we read of an error of kafkajs. */
interface Foreign {
  readonly name?: string
  readonly message?: string
  /** Word of a broker's answer, such as `MESSAGE_TOO_LARGE`. */
  readonly type?: string
  /** Word of the operating system, such as `ECONNREFUSED`. */
  readonly code?: unknown
  readonly retriable?: boolean
  readonly cause?: unknown
}

/** Answers of a broker that tell a mistake of ours, or a right that is missing. */
const reasons: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'no-topic',
  INVALID_TOPIC_EXCEPTION: 'bad-topic',
  MESSAGE_TOO_LARGE: 'too-large',
  RECORD_LIST_TOO_LARGE: 'too-large',
  INVALID_RECORD: 'bad-record',
  TOPIC_AUTHORIZATION_FAILED: 'forbidden',
  GROUP_AUTHORIZATION_FAILED: 'forbidden',
  CLUSTER_AUTHORIZATION_FAILED: 'forbidden',
  POLICY_VIOLATION: 'forbidden',
  NOT_ENOUGH_REPLICAS: 'replicas',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'replicas',
  REQUEST_TIMED_OUT: 'timeout',
}

/** The error that kafkajs wrapped, however often; itself if it wraps none. */
export function rootCause(error: unknown): Foreign {
  const foreign = (error ?? {}) as Foreign
  const { cause } = foreign
  return cause === undefined || cause === null ? foreign : rootCause(cause)
}

/** Our own error that kafkajs wrapped, if it was ours. */
function ownError(error: unknown): StreamError | undefined {
  if (error instanceof StreamError) return error
  const { cause } = (error ?? {}) as Foreign
  return cause === undefined || cause === null ? undefined : ownError(cause)
}

/** Answers of a broker that has just started, or lost a partition to another one. */
const notReady: ReadonlySet<string | undefined> = new Set([
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
])

/** Whether the brokers cannot be reached, went away, or are not ready yet. */
export function isAway(error: unknown): boolean {
  const { name = '', type } = rootCause(error)
  return /Connection|Timeout|BrokerNotFound|NoBroker/.test(name) || notReady.has(type)
}

/**
 * Translates an error of kafkajs for those who use the stream.
 *
 * @param where - What was going on, the beginning of the message.
 * @returns A {@link StreamError} in the chain of causes as it is, else a new one with a reason.
 */
export function streamError(where: string, cause: unknown): StreamError {
  const own = ownError(cause)
  if (own) return own
  const root = rootCause(cause)
  const away = isAway(cause)
  const reason = root.name?.includes('SASL') ? 'login' : reasons[root.type ?? '']
  const detail = root.message ?? String(cause)
  return new StreamError(`${where}: expected the brokers to answer, got: ${detail}`, {
    reason: reason ?? (away ? 'unreachable' : 'other'),
    retryable: away || root.retriable === true || isWithoutCoordinator(cause),
    cause,
  })
}

/** Whether nobody could tell who coordinates a group; kafkajs takes that for final. */
export function isWithoutCoordinator(error: unknown): boolean {
  return rootCause(error).name === 'KafkaJSGroupCoordinatorNotFound'
}

/** Whether the group goes on without us. */
export function isExpulsion(error: unknown): boolean {
  return ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION'].includes(rootCause(error).type ?? '')
}

/** An error of ours that kafkajs hands on at once, from where it runs code of ours. */
export function finalError(message: string, reason: string): StreamError {
  // Without the mark of its own errors kafkajs would try again.
  return Object.assign(new StreamError(message, { reason }), { retriable: false })
}
