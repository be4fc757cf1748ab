import { s3Blobs } from '../../lib/store/s3-blobs.ts'
import { s3Client } from '../../lib/store/s3-client.ts'
import { s3Documents } from '../../lib/store/s3-documents.ts'
import type { S3Place } from '../../lib/store/s3-place.ts'
import { serveStores } from './peer.ts'

/**
 * Another process on the same bucket. With a third argument n > 0 it dies like one that the
 * system kills, right before its nth request after it was told to count.
 */
const [endpoint = '', place = '', dieAt = '0'] = process.argv.slice(2)
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
const client = s3Client({ endpoint, pathStyle: true, credentials })
let requests = Number.NaN
client.middlewareStack.add(
  (next) => async (request) => {
    requests += 1
    if (requests === Number(dieAt)) process.kill(process.pid, 'SIGKILL')
    return next(request)
  },
  { step: 'finalizeRequest', name: 'mortal' },
)
const where = JSON.parse(place) as S3Place
serveStores(s3Blobs(client, where), s3Documents(client, where, { pauseMs: 5 }), () => {
  requests = 0
})
