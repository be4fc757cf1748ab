import { writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { envelopeSchema } from '../../lib/stream/envelope.ts'
import { hintSchema } from '../../lib/stream/hint.ts'
import { quarantineSchema } from '../../lib/stream/quarantine-record.ts'

const kinds = [
  ['envelope-v1', envelopeSchema, 'A record that names a picture in a blob store'],
  ['quarantine-v1', quarantineSchema, 'A record that was set aside, and why'],
  ['hint-v1', hintSchema, 'Says that a channel of models has moved'],
] as const

/** The JSON Schema of each kind of record, for programs in other languages. */
export const jsonSchemas: readonly { readonly file: URL; readonly schema: object }[] = kinds.map(
  ([name, schema, title]) => ({
    file: new URL(`../../schemas/${name}.json`, import.meta.url),
    schema: { title, ...z.toJSONSchema(schema, { io: 'input' }) },
  }),
)

// `node test/stream/json-schemas.ts && biome format --write schemas` renews the files.
if (import.meta.main) {
  for (const { file, schema } of jsonSchemas) await writeFile(file, JSON.stringify(schema))
}
