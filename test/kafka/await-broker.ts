/**
 * Usage: `node await-broker.ts PORT PID`. Ends with 0 once the broker on PORT names a live broker in
 * its metadata, with 1 if process PID ends before or a minute passes.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { fixKafkajs } from '../../lib/stream/kafka-fixes.ts'

fixKafkajs()
const [port, pid] = process.argv.slice(2)
const deadline = performance.now() + 60_000

/** Whether a metadata request is answered with a broker. */
async function hasBroker(): Promise<boolean> {
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    return (await admin.describeCluster()).brokers.length > 0
  } catch {
    return false
  } finally {
    await admin.disconnect()
  }
}

function lives(): boolean {
  try {
    return process.kill(Number(pid), 0)
  } catch {
    return false
  }
}

while (!(await hasBroker())) {
  if (!lives() || performance.now() > deadline) process.exit(1)
  await delay(100)
}
process.exit(0) // kafkajs keeps a timer for each connection
