import { expect, it } from 'vitest'
import { ImageDecodeError, ImageTypeError } from '../../lib/errors.ts'
import type { Pipeline } from '../../lib/service/open-pipeline.ts'
import { type Origin, quarantine } from '../../lib/service/quarantine.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import type { InRecord } from '../../lib/stream/types.ts'
import { command, onPipeline, temporaryFolder } from './support.ts'

const sha256 = 'ab'.repeat(32)
const envelope = { v: 1, sha256, bytes: 9, mediaType: 'image/png', source: 'camera' }
const at = (more: Partial<Origin>): Origin => ({
  topic: topicNames.unlabeled,
  partition: 0,
  offset: 3,
  timestamp: 1,
  ...more,
})

/** Two records set aside: an envelope that did not decode, and a file. */
async function withTwoRecords(): Promise<string> {
  const folder = temporaryFolder()
  await onPipeline(folder, async ({ stream }) => {
    const aside = quarantine(stream, topicNames.dead, 'learn', () => 1_700_000_000_000)
    await aside.add(at({ envelope, attempts: 1 }), new ImageDecodeError('does not decode'))
    const file = at({ topic: 'folder', envelope: { path: '/photos/a.png' } })
    await aside.add(file, new ImageTypeError('no picture'))
  })
  return folder
}

/** The records of the input. */
async function inputOf({ stream }: Pipeline): Promise<readonly InRecord[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly InRecord[]>()
  const consumption = await stream.subscribe({
    topics: [topicNames.unlabeled],
    group: 'test',
    maxBatchBytes: 1_000_000,
    onAssign: async (partitions) => new Map(partitions.map((name) => [name, 'earliest' as const])),
    onRevoke: async () => undefined,
    onBatch: async ({ records }) => resolve(records),
    onFatal: reject,
  })
  const records = await promise
  await consumption.stop()
  return records
}

it('lists what was set aside, with its offset as its id', async () => {
  const folder = await withTwoRecords()
  const { lines, code } = await command('quarantine', 'list', '--data', folder, '--json')
  expect(code).toBe(0)
  expect(lines.map((line) => [line['id'], line['code']])).toEqual([
    [0, 'IMAGE_DECODE'],
    [1, 'IMAGE_TYPE'],
  ])
})

it('lists nothing where nothing was set aside', async () => {
  const folder = temporaryFolder()
  await onPipeline(folder, async () => undefined)
  const { lines, code } = await command('quarantine', 'list', '--data', folder, '--json')
  expect([lines.length, code]).toEqual([0, 0])
})

it('shows one record, and fails for an id that is not there', async () => {
  const folder = await withTwoRecords()
  const { lines } = await command('quarantine', 'show', '1', '--data', folder, '--json')
  expect(lines[0]).toMatchObject({ topic: 'folder', message: 'no picture', attempts: 1 })
  const { error } = await command('quarantine', 'show', '7', '--data', folder)
  expect(error).toMatchObject({ code: 'MISSING', message: expect.stringContaining('7') })
})

it('sends an envelope again with its attempts and when it was first seen', async () => {
  const folder = await withTwoRecords()
  const args = ['--reason', 'IMAGE_DECODE', '--data', folder, '--json']
  const { lines, code } = await command('quarantine', 'replay', ...args)
  expect([code, lines[0]?.['id']]).toEqual([0, 0])
  const [record, ...others] = await onPipeline(folder, inputOf)
  expect(others).toEqual([])
  expect(JSON.parse(new TextDecoder().decode(record?.value))).toEqual(envelope)
  expect(record?.headers).toMatchObject({
    attempts: '2',
    'first-seen': new Date(1_700_000_000_000).toISOString(),
  })
})

it('sends nothing for a file, and says what to do', async () => {
  const folder = await withTwoRecords()
  const { stderr, code } = await command('quarantine', 'replay', '1', '--data', folder)
  expect(code).toBe(1)
  expect(stderr).toContain('mend /photos/a.png and run again')
  const marks = await onPipeline(folder, ({ stream }) => stream.watermarks(topicNames.unlabeled))
  expect(marks[0]?.high).toBe(0)
})

it('sends the kept bytes of a raw picture again', async () => {
  const folder = temporaryFolder()
  const bytes = Uint8Array.of(0xff, 0xd8, 0xff, 1)
  await onPipeline(folder, async ({ stream, blobs }) => {
    const kept = await blobs.put('quarantine', bytes)
    const aside = quarantine(stream, topicNames.dead, 'learn', () => 1)
    const named = { sha256: kept, bytes: 4, source: 'phone' }
    await aside.add(at({ envelope: named }), new ImageDecodeError('cut short'))
  })
  await command('quarantine', 'replay', '0', '--data', folder)
  const [record] = await onPipeline(folder, inputOf)
  expect(record && Uint8Array.from(record.value)).toEqual(bytes)
  expect(record?.headers['source']).toBe('phone')
})

it('wants ids or a reason', async () => {
  const { code } = await command('quarantine', 'replay', '--data', temporaryFolder())
  expect(code).toBe(2)
})
