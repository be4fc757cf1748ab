import type { Readable } from 'node:stream'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { InputError } from '../errors.ts'
import { limiter } from './limiter.ts'
import { attempts, type Patience } from './s3-attempts.ts'
import { wholeBody } from './s3-body.ts'
import { maxConnections } from './s3-client.ts'
import { s3Answer, s3Error, unknownOutcome } from './s3-faults.ts'
import type { Condition, ObjectHead, ObjectListed, ObjectRead, Written } from './s3-objects.ts'

/**
 * The requests that the stores make. Reads are repeated until they are answered; a write is one
 * request, and its caller decides by what came of it.
 */
export interface Bucket {
  /** Names an object in messages. */
  at(key: string): string
  /** Writes bytes; with their sha256 in hex the server checks and keeps it. */
  put(key: string, bytes: Uint8Array, condition: Condition, sha256?: string): Promise<Written>
  /** The same as an upload of one part, which gives equal bytes another tag. */
  putAsPart(key: string, bytes: Uint8Array, condition: Condition): Promise<Written>
  /** Removes the object that has this tag. */
  remove(key: string, etag: string): Promise<Written>
  /** Removes the object whatever its tag. */
  erase(key: string): Promise<void>
  head(key: string): Promise<ObjectHead | undefined>
  /** @throws {@link InputError} if there are more bytes than `maxBytes`. */
  get(
    key: string,
    options: { readonly maxBytes: number; readonly unless?: string | undefined },
  ): Promise<ObjectRead | 'unchanged' | undefined>
  /** The objects whose keys begin so, in the order of their keys' bytes, those after `after`. */
  list(prefix: string, after?: string): AsyncIterable<ObjectListed>
}

/** The requests on one bucket, {@link maxConnections} at a time. */
export function s3Bucket(client: S3Client, bucket: string, patience: Patience = {}): Bucket {
  const inTurn = limiter(maxConnections)
  const at = (key: string) => `s3://${bucket}/${key}`
  const where = (call: string, key: string) => `${call} ${at(key)}`

  async function write(
    call: string,
    key: string,
    request: () => Promise<{ readonly ETag?: string | undefined }>,
  ): Promise<Written> {
    try {
      return { is: 'stored', etag: (await inTurn(request)).ETag ?? '' }
    } catch (cause) {
      const answer = s3Answer(cause)
      if (answer === 'refused' || answer === 'absent') return { is: 'refused' }
      if (answer === 'conflict') return { is: answer }
      if (answer === 'unknown') return { is: answer, cause }
      throw s3Error(where(call, key), 'write', cause)
    }
  }

  /** Makes a request that is harmless to repeat until it is answered. */
  async function ask<T>(
    call: string,
    key: string,
    request: () => Promise<T>,
    does: 'read' | 'write' = 'read',
  ): Promise<T | 'unchanged' | undefined> {
    let fault: unknown
    for await (const _ of attempts(patience)) {
      try {
        return await inTurn(request)
      } catch (cause) {
        if (cause instanceof InputError) throw cause
        const answer = s3Answer(cause)
        if (answer === 'absent') return undefined
        if (answer === 'unchanged') return answer
        if (answer === 'failed') throw s3Error(where(call, key), does, cause)
        fault = cause
      }
    }
    throw does === 'write'
      ? unknownOutcome(where(call, key), fault)
      : s3Error(where(call, key), does, fault)
  }

  return {
    at,
    put: (key, bytes, condition, sha256) =>
      write('put', key, () =>
        client.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: key,
            Body: bytes,
            ...conditionFields(condition),
            ...(sha256 !== undefined && {
              ChecksumAlgorithm: 'SHA256',
              ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
            }),
          }),
        ),
      ),
    putAsPart: (key, bytes, condition) =>
      write('put', key, async () => {
        const target = { Bucket: bucket, Key: key }
        const { UploadId } = await client.send(new CreateMultipartUploadCommand(target))
        const upload = { ...target, UploadId }
        const { ETag } = await client.send(
          new UploadPartCommand({ ...upload, PartNumber: 1, Body: bytes }),
        )
        return client.send(
          new CompleteMultipartUploadCommand({
            ...upload,
            MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
            ...conditionFields(condition),
          }),
        )
      }),
    remove: (key, etag) =>
      write('delete', key, async () => {
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, IfMatch: etag }))
        return {}
      }),
    erase: async (key) => {
      const request = () => client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))
      await ask('delete', key, request, 'write')
    },
    head: async (key) => {
      const head = await ask('look at', key, () =>
        client.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: 'ENABLED' })),
      )
      if (head === undefined || head === 'unchanged') return undefined
      const { ETag = '', ContentLength = 0, LastModified, ChecksumSHA256 } = head
      return {
        etag: ETag,
        bytes: ContentLength,
        at: LastModified?.getTime() ?? 0,
        // With a dash it is one of checksums of parts.
        sha256: ChecksumSHA256?.includes('-')
          ? undefined
          : ChecksumSHA256 && Buffer.from(ChecksumSHA256, 'base64').toString('hex'),
      }
    },
    get: (key, { maxBytes, unless }) =>
      ask('get', key, async () => {
        const { Body, ContentLength, ETag, LastModified } = await client.send(
          new GetObjectCommand({ Bucket: bucket, Key: key, IfNoneMatch: unless }),
        )
        const body = Body as Readable
        const bytes = await wholeBody(where('get', key), body, ContentLength ?? 0, maxBytes)
        return { etag: ETag ?? '', at: LastModified?.getTime() ?? 0, bytes }
      }),
    async *list(prefix, after) {
      let StartAfter = after
      for (;;) {
        const page = await ask('list', prefix, () =>
          client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, StartAfter })),
        )
        if (page === undefined || page === 'unchanged') return
        for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
          yield { key: Key, bytes: Size, at: LastModified?.getTime() ?? 0 }
        }
        StartAfter = page.Contents?.at(-1)?.Key
        if (page.IsTruncated !== true || StartAfter === undefined) return
      }
    },
  }
}

/** sha256 in hex of what {@link Bucket.put} was told; a part's own checksum is another one. */
function conditionFields(condition: Condition): { IfNoneMatch: '*' } | { IfMatch: string } {
  return condition === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: condition.etag }
}
