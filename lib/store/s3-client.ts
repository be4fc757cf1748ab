import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'

/** How an S3 server is reached. */
export interface S3Settings {
  /** Of the bucket. '': what the environment says; at an endpoint of one's own `us-east-1`. */
  readonly region?: string
  /** URL of a server other than AWS; '' for AWS. */
  readonly endpoint?: string
  /** The bucket in the path and not in the host name; most servers other than AWS want it. */
  readonly pathStyle?: boolean
  /** Silence on a connection that ends a request, ms. Default 10 s. */
  readonly silenceMs?: number
  /** Key pair. Absent: the environment, the shared files, the role of the machine. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** Defaults of {@link S3Settings}. */
export const defaultS3Settings: Required<Omit<S3Settings, 'credentials'>> = {
  region: '',
  endpoint: '',
  pathStyle: false,
  silenceMs: 10_000,
}

/** Connections of a client at most; more requests than that wait for their turn. */
export const maxConnections = 32

/**
 * A client of an S3 server, for {@link s3Blobs} and {@link s3Documents}.
 *
 * The SDK repeats nothing by itself: a hidden second attempt would meet what the first one wrote,
 * and be told that it has lost. The caller destroys it.
 */
export function s3Client(settings: S3Settings = {}): S3Client {
  const { region, endpoint, pathStyle, silenceMs } = { ...defaultS3Settings, ...settings }
  const agent = { keepAlive: true, maxSockets: maxConnections }
  const config: S3ClientConfig = {
    maxAttempts: 1,
    forcePathStyle: pathStyle,
    // Blobs are checked against their digest here, whatever checksum the server keeps.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: Math.min(5_000, silenceMs),
      socketTimeout: silenceMs,
      httpAgent: agent,
      httpsAgent: agent,
    },
    ...(endpoint !== '' && { endpoint, region: 'us-east-1' }),
    ...(region !== '' && { region }),
    ...(settings.credentials && { credentials: settings.credentials }),
  }
  return new S3Client(config)
}
