import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge'
import type { EventSink, ModelPublished } from './announce-models.ts'

/** Entries that one request may hold. */
const entriesAtOnce = 10

/**
 * Amazon EventBridge as the sink of events `ModelPublished`.
 *
 * A request answers 200 although entries failed: what counts is the number it names.
 *
 * @param client - The caller destroys it.
 * @param bus - Name of the bus.
 */
export function eventBridge(client: EventBridgeClient, bus: string): EventSink {
  const entry = ({ at, detail }: ModelPublished): PutEventsRequestEntry => ({
    EventBusName: bus,
    Source: 'contrastream',
    DetailType: 'ModelPublished',
    Time: new Date(at),
    Detail: JSON.stringify(detail),
  })
  return {
    put: async (events) => {
      let refused = 0
      for (let from = 0; from < events.length; from += entriesAtOnce) {
        const Entries = events.slice(from, from + entriesAtOnce).map(entry)
        const answer = await client.send(new PutEventsCommand({ Entries }))
        refused += answer.FailedEntryCount ?? 0
      }
      return refused
    },
  }
}
