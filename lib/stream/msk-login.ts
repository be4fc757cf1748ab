import type { OauthbearerProviderResponse } from 'kafkajs'
import { StreamError } from '../errors.ts'

/**
 * A token for Amazon MSK, signed with the credentials that the AWS SDK finds.
 *
 * Asks for them anew with each call: what was found once ends after an hour, and a principal that
 * changes on the way loses its rights.
 *
 * @param region - Of the cluster, such as `eu-central-1`.
 * @throws {@link StreamError} if there are no credentials.
 */
export async function mskLogin(region: string): Promise<OauthbearerProviderResponse> {
  // Loaded here: nobody else needs the AWS SDK for a stream.
  const { generateAuthToken } = await import('aws-msk-iam-sasl-signer-js')
  try {
    return { value: (await generateAuthToken({ region })).token }
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw new StreamError(`kafka login: expected AWS credentials for ${region}, got: ${detail}`, {
      reason: 'login',
      cause,
    })
  }
}
