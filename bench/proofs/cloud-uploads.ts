import {
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { encodePng } from '../../lib/image/encode.ts'
import { glyphPicture, glyphSize } from '../../lib/service/demo-glyphs.ts'
import type { EmulatedAccount } from './emulated-account.ts'

/** Kinds of glyphs that are uploaded, and how many of each. */
export const kinds = 10
const each = 24

/** Puts pictures, and a text that says it is one, where people drop them. */
export async function upload(
  account: EmulatedAccount,
  bucket: string,
  queue: string,
): Promise<number> {
  const client = new S3Client({
    region: 'us-east-1',
    endpoint: account.url,
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  // As in the template, of which moto takes everything but this.
  const QueueConfigurations = [
    {
      QueueArn: `arn:aws:sqs:us-east-1:123456789012:${queue}`,
      Events: ['s3:ObjectCreated:*' as const],
    },
  ]
  const NotificationConfiguration = { QueueConfigurations }
  await client.send(
    new PutBucketNotificationConfigurationCommand({ Bucket: bucket, NotificationConfiguration }),
  )
  const put = (Key: string, Body: Uint8Array) =>
    client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))
  for (let n = 0; n < kinds * each; n += 1) {
    const glyph = glyphPicture(5, n % kinds, n)
    await put(`shop/a picture ${n}.png`, await encodePng(glyph, glyphSize, glyphSize))
  }
  await put('shop/no picture.png', Buffer.from('not a picture'))
  client.destroy()
  return kinds * each + 1
}
