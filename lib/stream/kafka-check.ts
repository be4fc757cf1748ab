import { type Ask, kafkaAsk } from './kafka-ask.ts'
import { kafkaClients } from './kafka-client.ts'
import { streamError } from './kafka-errors.ts'
import { kafkaNames } from './kafka-names.ts'
import {
  defaultKafkaStreamOptions,
  type KafkaConnection,
  type KafkaStreamOptions,
} from './kafka-options.ts'
import { type KafkaFinding, topicFindings } from './kafka-topic-findings.ts'
import { kafkaTopics } from './kafka-topics.ts'
import type { TopicSpec } from './types.ts'

/** What a pipeline wants of a cluster. */
export interface KafkaWants {
  readonly topics: readonly TopicSpec[]
  /** Topics that must have as many partitions as the first. */
  readonly alike: readonly string[]
  /** Groups that nobody else may use. */
  readonly groups: readonly string[]
}

const access = 'check kafka.brokers, kafka.auth, kafka.tls and the network'

/**
 * Looks at a cluster through the rights of a role: whether it answers, whether its topics are what
 * the pipeline needs, and who is in the groups of the pipeline. Nothing is changed.
 *
 * @returns One finding a promise; a single one that fails where no broker answers.
 * @throws {@link ConfigError} if the login lacks something.
 */
export async function checkKafka(
  connection: KafkaConnection,
  options: KafkaStreamOptions,
  wants: KafkaWants,
): Promise<readonly KafkaFinding[]> {
  const settings = { ...defaultKafkaStreamOptions, ...options }
  const admin = kafkaClients(connection, settings).open().admin()
  const ask = kafkaAsk(admin)
  const names = kafkaNames(settings.topicPrefix, settings.topics)
  const topics = kafkaTopics(ask, names, false)
  try {
    const brokers = await attempt('brokers', access, async () => {
      const { brokers, clusterId } = await ask((one) => one.describeCluster())
      return [{ what: 'brokers', ok: true, detail: `${brokers.length} of cluster ${clusterId}` }]
    })
    if (brokers.some(({ ok }) => !ok)) return brokers
    const found = await Promise.all(
      wants.topics.map((spec) => {
        const kafkaName = names.toKafka(spec.name)
        const rights = `give this login DESCRIBE and DESCRIBE_CONFIGS on ${kafkaName}`
        return attempt(`topic ${kafkaName}`, rights, async () =>
          topicFindings(spec, kafkaName, await topics.find(spec.name), settings.createTopics),
        )
      }),
    )
    const groups = await Promise.all(wants.groups.map((group) => strangers(ask, group, connection)))
    const counts = await alike(wants.alike)
    return [...brokers, ...found.flat(), ...counts, ...groups.flat()]
  } finally {
    await admin.disconnect()
  }

  /** Whether topics that exist have as many partitions as the first of them. */
  async function alike(of: readonly string[]): Promise<readonly KafkaFinding[]> {
    const known = await Promise.all(of.map((name) => topics.find(name).catch(() => undefined)))
    const [first, ...rest] = known.filter((topic) => topic !== undefined)
    return rest
      .filter(({ partitions }) => partitions !== first?.partitions)
      .map(({ kafkaName, partitions }) => ({
        what: `topic ${kafkaName}`,
        ok: false,
        detail: `${partitions} partitions, ${first?.kafkaName} has ${first?.partitions}`,
        remedy: `make it again with ${first?.partitions} partitions, or name another one in kafka.topics`,
      }))
  }
}

/** Members of a group that are not of this pipeline: they take partitions away from it. */
async function strangers(
  ask: Ask,
  group: string,
  { clientId }: KafkaConnection,
): Promise<readonly KafkaFinding[]> {
  const what = `group ${group}`
  return attempt(what, `give this login DESCRIBE on the group ${group}`, async () => {
    const { groups } = await ask((admin) => admin.describeGroups([group]))
    const members = groups.flatMap((one) => one.members)
    const others = members.filter((member) => member.clientId !== clientId)
    if (others.length === 0) return [{ what, ok: true, detail: `${members.length} members` }]
    const who = others.map((one) => `${one.clientId} at ${one.clientHost}`).join(', ')
    const remedy = 'stop it, or give it a group of its own: it takes records from this pipeline'
    return [{ what, ok: false, detail: `a stranger is in it: ${who}`, remedy }]
  })
}

/** What was found; where the brokers refuse, that. */
async function attempt(
  what: string,
  remedy: string,
  look: () => Promise<readonly KafkaFinding[]>,
): Promise<readonly KafkaFinding[]> {
  try {
    return await look()
  } catch (cause) {
    const { message, reason } = streamError(what, cause)
    const isAccess = reason === 'unreachable' || reason === 'login'
    return [{ what, ok: false, detail: message, remedy: isAccess ? access : remedy }]
  }
}
