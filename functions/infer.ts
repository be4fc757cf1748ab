/** Vectors and neighbours without a server: a function URL → here, with the stable release. */
import { Logger } from '@aws-lambda-powertools/logger'
import type { LambdaFunctionURLHandler } from 'aws-lambda'
import { type InferParts, type InferRequest, infer } from '../lib/cloud/infer.ts'
import { openStores } from '../lib/cloud/open-stores.ts'
import { stableReleases } from '../lib/cloud/stable-release.ts'
import { cloudSettings } from '../lib/config/cloud-settings.ts'
import { selectEngine } from '../lib/engine/select.ts'
import { openRegistry } from '../lib/registry/registry.ts'
import { limitsOf } from '../lib/service/image-limits.ts'

type UrlEvent = Parameters<LambdaFunctionURLHandler>[0]

function requestOf(event: UrlEvent): InferRequest {
  const { requestContext, rawPath, queryStringParameters, body, isBase64Encoded } = event
  return {
    id: requestContext.requestId,
    method: requestContext.http.method,
    path: rawPath,
    query: queryStringParameters ?? {},
    body: Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8'),
  }
}

/** Handles requests of a function URL. */
export function inferHandler(parts: InferParts, logger: Logger): LambdaFunctionURLHandler {
  return async (event) => {
    const request = requestOf(event)
    const report = (error: unknown): void => {
      logger.warn('refused', { requestId: request.id, path: request.path, error: error as Error })
    }
    const { status, contentType, headers, body } = await infer(parts, request, report)
    return {
      statusCode: status,
      headers: { ...headers, 'content-type': contentType },
      body: JSON.stringify(body),
    }
  }
}

async function openParts(): Promise<InferParts> {
  const settings = cloudSettings()
  const { blobs, documents, readUpload } = openStores(settings)
  const registry = openRegistry({ documents, blobs, name: settings.config.name })
  await selectEngine('wasm')
  return {
    releases: stableReleases(registry, { maxIndexBytes: settings.maxIndexBytes }),
    limits: limitsOf(settings.config),
    maxNeighbours: settings.config.limits.neighbours,
    readUpload,
  }
}

const logger = new Logger({ serviceName: 'infer' })

export const handler: LambdaFunctionURLHandler = inferHandler(await openParts(), logger)
