import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { checkConfig } from '../../lib/config/load.ts'
import { ImageTypeError } from '../../lib/errors.ts'
import { encodePng } from '../../lib/image/encode.ts'
import { type StoreThread, storeThread } from '../../lib/service/store-thread.ts'
import { topicNames } from '../../lib/stream/topics.ts'

let folder: string
let thread: StoreThread
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'contrastream-thread-'))
  thread = await storeThread(checkConfig({ data: folder, disk: { floor: '1B' } }), () => undefined)
})
afterAll(async () => {
  await thread.close()
  rmSync(folder, { recursive: true, force: true })
})

it('takes pictures in, and answers with errors of their own class', async () => {
  const bytes = await encodePng(new Uint8Array(20 * 20 * 3), 20, 20)
  const { id } = await thread.store.accept({ bytes })
  expect((await thread.blobs.stat('pictures', id))?.bytes).toBe(bytes.length)
  const text = thread.store.accept({ bytes: new TextEncoder().encode('no picture') })
  await expect(text).rejects.toBeInstanceOf(ImageTypeError)
})

it('hands records to a subscription here, which may be stopped twice', async () => {
  const offsets: number[] = []
  const consumption = await thread.stream.subscribe({
    topics: [topicNames.unlabeled],
    group: 'test',
    maxBatchBytes: 1 << 20,
    onAssign: async (partitions) => new Map(partitions.map((one) => [one, 'earliest'])),
    onRevoke: async () => undefined,
    onBatch: async ({ records }) => {
      offsets.push(...records.map(({ offset }) => offset))
    },
    onFatal: (error) => expect(error).toBeUndefined(),
  })
  await vi.waitFor(() => expect(offsets).toEqual([0]), 10_000)
  await consumption.stop()
  await expect(consumption.stop()).resolves.toBeUndefined()
})
