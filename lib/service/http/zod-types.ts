import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifySchema,
  FastifySchemaCompiler,
  FastifyTypeProvider,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import { z } from 'zod'
import { InputError } from '../../errors.ts'

/** Types of requests and answers from the zod schemas of a route. */
export interface ZodTypes extends FastifyTypeProvider {
  readonly validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown
  readonly serializer: this['schema'] extends z.ZodType ? z.input<this['schema']> : unknown
}

/** A server whose routes are described by zod schemas. */
export type HttpApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypes
>

/** Checks what arrives; {@link InputError} says where it is wrong. */
export const zodValidator: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  return (data: unknown) => {
    const parsed = schema.safeParse(data)
    if (parsed.success) return { value: parsed.data }
    const faults = parsed.error.issues.map(({ path, message }) => {
      return `${[httpPart, ...path].join('.')}: ${message}`
    })
    return { error: new InputError(faults.join('; ')) }
  }
}

const isZod = (value: unknown): value is z.ZodType => value instanceof z.ZodType

/** JSON Schema of everything in a route's description that is a zod schema. */
function plain(value: unknown, io: 'input' | 'output'): unknown {
  if (isZod(value)) {
    const { $schema: _, ...schema } = z.toJSONSchema(value, { io, unrepresentable: 'any' })
    return schema
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner, io)]))
}

/** Lets `@fastify/swagger` read zod schemas. */
export function describeRoute<Given extends { schema: FastifySchema; url: string }>({
  schema,
  url,
}: Given): { schema: FastifySchema; url: string } {
  const { response, ...request } = schema ?? {}
  const described = plain(request, 'input') as FastifySchema
  return {
    url,
    schema:
      response === undefined ? described : { ...described, response: plain(response, 'output') },
  }
}
