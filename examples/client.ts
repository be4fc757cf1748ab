/**
 * Hands a picture in, embeds it and searches by its vector, with `fetch`.
 *
 *     node examples/client.ts photo.jpg
 *
 * CONTRASTREAM_URL: where the service is; default http://127.0.0.1:8080
 * CONTRASTREAM_TOKEN: a token, where the service wants one
 */
import { readFile } from 'node:fs/promises'

const url = process.env['CONTRASTREAM_URL'] ?? 'http://127.0.0.1:8080'
const token = process.env['CONTRASTREAM_TOKEN']

/** What a refusal says (`application/problem+json`): match on `code`, show `detail`. */
interface Problem {
  readonly code: string
  readonly detail: string
  readonly requestId: string
}

interface Embedded {
  readonly embedding: readonly number[]
  readonly model: string
  readonly preprocessing: string
}

interface Found {
  readonly neighbours: readonly { readonly id: string; readonly similarity: number }[]
}

/** Sends a body, and again where the service asks for patience. */
async function post<Answer>(path: string, type: string, body: string | Buffer): Promise<Answer> {
  const headers: Record<string, string> = { 'content-type': type }
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body })
    if (response.ok) return (await response.json()) as Answer
    const wait = response.headers.get('retry-after')
    if (wait === null || tries === 3) {
      const { code, detail, requestId } = (await response.json()) as Problem
      throw new Error(`${response.status} ${code}: ${detail} (request ${requestId})`)
    }
    await new Promise((resolve) => setTimeout(resolve, Number(wait) * 1000))
  }
}

const [path] = process.argv.slice(2)
if (path === undefined) throw new Error('usage: node examples/client.ts <picture>')
const picture = await readFile(path)

const { id, duplicate } = await post<{ id: string; duplicate: boolean }>(
  '/v1/images',
  'image/*',
  picture,
)
console.log(`${id} ${duplicate ? 'was there before' : 'is new'}`)

const { embedding, model, preprocessing } = await post<Embedded>('/v1/embed', 'image/*', picture)
console.log(`${embedding.length} numbers by ${model}`)

// A vector is only compared with vectors of the same model: it travels with its origin.
const query = JSON.stringify({ vector: embedding, model, preprocessing })
const { neighbours } = await post<Found>('/v1/search?k=3', 'application/json', query)
for (const neighbour of neighbours) console.log(neighbour.id, neighbour.similarity.toFixed(4))
