import type { EmulatedAccount } from './emulated-account.ts'
import { found } from './found.ts'

/** Messages that a mapping hands over at once. */
export const messagesAtOnce = 10

/**
 * Switches the mappings of queues off: this proof does what they do. moto would start a container for
 * each message, and take one that cannot be started for a failed function.
 */
export async function unmap({ get, put }: EmulatedAccount): Promise<void> {
  const mappings = '/2015-03-31/event-source-mappings'
  const { EventSourceMappings } = await get('lambda', mappings)
  for (const { UUID } of EventSourceMappings as readonly { readonly UUID: string }[]) {
    await put('lambda', `${mappings}/${UUID}`, { Enabled: false })
  }
}

/** Messages of a queue, as the event source hands them to a function. */
export async function messages(account: EmulatedAccount, url: string, count: number) {
  const all: { readonly messageId: string; readonly body: string }[] = []
  const what = () => `${count} messages in the queue, not ${all.length},`
  await found(what, async () => {
    const answer = await account.call('sqs', 'AmazonSQS.ReceiveMessage', {
      QueueUrl: url,
      MaxNumberOfMessages: messagesAtOnce,
    })
    for (const { MessageId, Body } of (answer['Messages'] ?? []) as Message[]) {
      // moto leaves out the zone of its times.
      const body = Body.replaceAll(/("eventTime": "[\d:.T-]+)"/g, '$1Z"')
      all.push({ messageId: MessageId, body })
    }
    return all.length >= count ? true : undefined
  })
  return all
}
interface Message {
  readonly MessageId: string
  readonly Body: string
}

/** A queue that hears every event of a bus. */
export async function listen({ call }: EmulatedAccount, bus: string): Promise<string> {
  const { QueueUrl } = await call('sqs', 'AmazonSQS.CreateQueue', { QueueName: 'heard' })
  const name = { EventBusName: bus, Rule: 'all' }
  await call('events', 'AWSEvents.PutRule', {
    ...{ Name: 'all', EventBusName: bus },
    EventPattern: JSON.stringify({ 'detail-type': ['ModelPublished'] }),
  })
  const Arn = 'arn:aws:sqs:us-east-1:123456789012:heard'
  await call('events', 'AWSEvents.PutTargets', { ...name, Targets: [{ Id: 'queue', Arn }] })
  return QueueUrl as string
}
