import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { envelopeSchema } from '../../lib/stream/envelope.ts'
import { hintSchema } from '../../lib/stream/hint.ts'
import { quarantineSchema } from '../../lib/stream/quarantine-record.ts'

/** Published files, for producers and consumers in other languages: `vitest -u` renews them. */
describe('the JSON Schema files', () => {
  it.each([
    ['envelope-v1', envelopeSchema, 'A record that names a picture in a blob store'],
    ['quarantine-v1', quarantineSchema, 'A record that was set aside, and why'],
    ['hint-v1', hintSchema, 'Says that a channel of models has moved'],
  ] as const)('hold what the program reads as %s', async (name, schema, title) => {
    const text = JSON.stringify({ title, ...z.toJSONSchema(schema, { io: 'input' }) }, null, 2)
    await expect(`${text}\n`).toMatchFileSnapshot(`../../schemas/${name}.json`)
  })
})
