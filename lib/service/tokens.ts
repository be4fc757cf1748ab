import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { ConflictError, InputError, MissingError, RegistryError } from '../errors.ts'
import {
  countSchema,
  type DocumentKind,
  digestSchema,
  listAll,
  readDocument,
  readFound,
} from '../registry/document.ts'
import type { DocumentStore, Tag } from '../store/types.ts'

/** What a token allows; `admin` allows all. */
export type Scope = (typeof scopes)[number]

/** All there are. */
export const scopes = ['read', 'ingest', 'admin'] as const

/** A token as it is stored: never its secret. */
export interface Token {
  readonly format: 1
  /** Twelve hex characters. */
  readonly id: string
  readonly scope: Scope
  /** Of the secret, which is 256 random bits: nothing slower is needed to hide it. */
  readonly sha256: string
  /** ms since 1970. */
  readonly createdAt: number
  /** From then on it is not valid; absent: no end. */
  readonly expiresAt?: number
  readonly revokedAt?: number
}

const prefix = 'tokens/'
const kind: DocumentKind<Token> = {
  format: 1,
  error: RegistryError,
  schema: z.strictObject({
    format: z.literal(1),
    id: z.string().regex(/^[0-9a-f]{12}$/),
    scope: z.enum(scopes),
    sha256: digestSchema,
    createdAt: countSchema,
    expiresAt: countSchema.exactOptional(),
    revokedAt: countSchema.exactOptional(),
  }),
}

const digestOf = (secret: string): Buffer => createHash('sha256').update(secret).digest()
const dayMs = 86_400_000
/** The id finds the document, the rest proves that it is yours. */
const tokenPattern = /^cst_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/

/**
 * Makes a token.
 *
 * @param days - After which it ends; absent: never.
 * @param now - ms since 1970.
 * @returns The token to hand out, which cannot be read again, and what is stored of it.
 */
export async function createToken(
  documents: DocumentStore,
  scope: Scope,
  { days, now }: { readonly days?: number; readonly now: number },
): Promise<{ readonly secret: string; readonly token: Token }> {
  if (days !== undefined && !(days > 0)) {
    throw new InputError(`token: expected more than 0 days, got ${days}`)
  }
  const id = randomBytes(6).toString('hex')
  const secret = randomBytes(32).toString('base64url')
  const token: Token = {
    format: 1,
    id,
    scope,
    sha256: digestOf(secret).toString('hex'),
    createdAt: now,
    ...(days !== undefined && { expiresAt: now + Math.round(days * dayMs) }),
  }
  const write = await documents.create(`${prefix}${id}`, { ...token })
  if (!write.ok) throw new ConflictError(`token ${id}: expected a new id, it is taken`)
  return { secret: `cst_${id}_${secret}`, token }
}

async function readToken(
  documents: DocumentStore,
  id: string,
): Promise<{ readonly token: Token; readonly tag: Tag } | undefined> {
  const key = `${prefix}${id}`
  const found = await readFound(documents, key)
  return found && { token: readDocument(key, found.value, kind), tag: found.tag }
}

/** All tokens that were ever made, by id. */
export async function listTokens(documents: DocumentStore): Promise<readonly Token[]> {
  const keys = await listAll(documents, prefix)
  const found = await Promise.all(keys.map((key) => readToken(documents, key.slice(prefix.length))))
  return found.flatMap((one) => (one === undefined ? [] : [one.token]))
}

/**
 * Ends a token; servers know within 30 s. To end it twice is no error.
 *
 * @param now - ms since 1970.
 * @throws {@link MissingError} if there is none of that id.
 */
export async function revokeToken(
  documents: DocumentStore,
  id: string,
  now: number,
): Promise<Token> {
  for (;;) {
    const found = /^[0-9a-f]{12}$/.test(id) ? await readToken(documents, id) : undefined
    if (found === undefined) throw new MissingError(`token: expected one of id ${id}, got none`)
    if (found.token.revokedAt !== undefined) return found.token
    const token = { ...found.token, revokedAt: now }
    const write = await documents.swap(`${prefix}${id}`, { ...token }, found.tag)
    if (write.ok) return token
  }
}

/** Whether a token is valid at a time, ms since 1970. */
export function isLive({ expiresAt, revokedAt }: Token, now: number): boolean {
  return revokedAt === undefined && (expiresAt === undefined || now < expiresAt)
}

/** The token that was presented, if it is one of these and its secret is right. */
export function findToken(tokens: readonly Token[], presented: string): Token | undefined {
  const [, id, secret] = tokenPattern.exec(presented) ?? []
  const token = tokens.find((one) => one.id === id)
  if (token === undefined || secret === undefined) return undefined
  return timingSafeEqual(digestOf(secret), Buffer.from(token.sha256, 'hex')) ? token : undefined
}
