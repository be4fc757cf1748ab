import { Logger } from '@aws-lambda-powertools/logger'
import type { Context } from 'aws-lambda'

/** Says nothing. */
export const silent: Logger = new Logger({ logLevel: 'SILENT' })

/** What Lambda tells a function of its call. */
export const context = { getRemainingTimeInMillis: () => 10_000 } as unknown as Context

/** Where the functions find nothing: they open their ports when they are loaded, and wait. */
export const nowhere: Readonly<Record<string, string>> = {
  CONTRASTREAM__KAFKA__BROKERS: '[127.0.0.1:1]',
  CONTRASTREAM__STORE__S3__BUCKET: 'nowhere',
  CONTRASTREAM__STORE__S3__ENDPOINT: 'http://127.0.0.1:1',
  AWS_REGION: 'us-east-1',
}
