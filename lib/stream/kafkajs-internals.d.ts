/** The parts of kafkajs 2.2.4 that `kafka-fixes.ts` repairs; it has no types for them. */
declare module 'kafkajs/src/network/requestQueue/index.js' {
  const RequestQueue: {
    readonly prototype: {
      readonly pending: readonly unknown[]
      /** Wall clock, in ms. */
      readonly throttledUntil: number
      scheduleCheckPendingRequests(): void
    }
  }
  export = RequestQueue
}
declare module 'kafkajs/src/consumer/consumerGroup.js' {
  const ConsumerGroup: {
    readonly prototype: {
      /** Of one consumer, however often it starts again. */
      readonly cluster: object
      memberId: string | null
      /** Once for each start, before the first join. */
      connect(): Promise<void>
      leave(): Promise<void>
      joinAndSync(): Promise<void>
      fetch(nodeId: number): Promise<readonly unknown[]>
    }
  }
  export = ConsumerGroup
}
declare module 'kafkajs/src/consumer/offsetManager/index.js' {
  const OffsetManager: {
    readonly prototype: {
      setDefaultOffset(at: { readonly topic: string; readonly partition: number }): Promise<void>
    }
  }
  export = OffsetManager
}
