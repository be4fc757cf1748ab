import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { checkConfig } from '../../../lib/config/load.ts'
import { openRegistry } from '../../../lib/registry/registry.ts'
import { openDatabase } from '../../../lib/service/database.ts'
import { s3Blobs } from '../../../lib/store/s3-blobs.ts'
import { s3Client } from '../../../lib/store/s3-client.ts'
import { s3Documents } from '../../../lib/store/s3-documents.ts'
import type { S3Place } from '../../../lib/store/s3-place.ts'
import { sqliteStream } from '../../../lib/stream/sqlite.ts'
import { pipelineTopics } from '../../../lib/stream/topics.ts'
import { startMoto } from '../../../test/s3/moto.ts'
import {
  type HttpFault,
  httpFaultProxy,
  type SeenRequest,
} from '../../../test/support/http-fault-proxy.ts'
import type { Failing, Kind, Place, Ports } from './place.ts'
import { settings } from './settings.ts'

/** What becomes of the planned request. The others of a process that lives on pass. */
const faults: Readonly<Record<string, HttpFault>> = {
  'dies before': { is: 'reset' },
  'dies after': { is: 'lost-answer' },
  '409': { is: 'answer', status: 409, code: 'ConditionalRequestConflict' },
  // Sent twice on the way: the condition fails by the first one's success.
  '412': { is: 'twice' },
  '500': { is: 'answer', status: 500, code: 'InternalError' },
  'lost answer': { is: 'lost-answer' },
}

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' } as const
/** Pauses between attempts that nobody waits for. */
const hasty = { pauseMs: 1 } as const

const isRead = ({ method }: SeenRequest): boolean => method === 'GET' || method === 'HEAD'

/** Reads meet no conflict. */
const concerns = (fault: HttpFault, request: SeenRequest): boolean =>
  !isRead(request) || !(fault.is === 'twice' || (fault.is === 'answer' && fault.status === 409))

/** A bucket; the log beside it is one that does not fail. */
export async function s3Kind(): Promise<Kind> {
  const moto = await startMoto()
  let places = 0
  return {
    name: 'S3',
    failures: Object.keys(faults),
    dispose: () => moto.stop(),
    empty: async (): Promise<Place> => {
      await moto.reset() // a listing looks at every object there is
      places += 1
      const bucket = `every-write-${places}`
      const where: S3Place = { bucket, prefix: '', name: 'main' }
      const folder = mkdtempSync(join(tmpdir(), 'contrastream-every-'))
      const s3 = { bucket, endpoint: moto.url, pathStyle: true }
      const config = checkConfig({ ...settings, data: folder, store: { adapter: 's3', s3 } })
      const server = s3Client({ endpoint: moto.url, pathStyle: true, credentials })
      await server.send(new CreateBucketCommand({ Bucket: bucket }))
      let passed = 0
      moto.runAhead(0)
      const now = () => Date.now() + passed
      const database = openDatabase(folder, { check: false })
      const stream = sqliteStream(database, { now })
      await stream.ensureTopics(pipelineTopics())
      const open = (client: typeof server): Ports => {
        const documents = s3Documents(client, where, hasty)
        const blobs = s3Blobs(client, where, { now, ...hasty })
        const registry = openRegistry({ documents, blobs, name: 'main' })
        return { config, database, documents, blobs, registry, stream, now }
      }
      return {
        sound: (work) => work(open(server)),
        failing: async ({ at, failure, countReads }): Promise<Failing> => {
          // A proxy of its own: what a dead process still sends reaches nobody.
          const proxy = await httpFaultProxy(moto.url)
          const client = s3Client({ endpoint: proxy.url, pathStyle: true, credentials })
          let requests = 0
          let isDead = false
          let hasFailed = false
          proxy.plan = (request) => {
            if (isDead) return { is: 'reset' }
            if (isRead(request) && !countReads) return undefined
            requests += 1
            if (requests !== at) return undefined
            const fault = faults[failure] as HttpFault
            hasFailed = true
            isDead = failure.startsWith('dies')
            return concerns(fault, request) ? fault : undefined
          }
          return {
            ports: open(client),
            within: (work) => work(),
            get hasFailed() {
              return hasFailed
            },
            get isDead() {
              return isDead
            },
            close: async () => {
              client.destroy()
              await proxy.close()
            },
          }
        },
        advance: (ms) => {
          passed += ms
          moto.runAhead(passed)
        },
        dispose: async () => {
          server.destroy()
          await stream.close({ deadlineMs: 1_000 })
          database.close()
          rmSync(folder, { recursive: true })
        },
      }
    },
  }
}
