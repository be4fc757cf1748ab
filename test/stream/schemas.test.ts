import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { jsonSchemas } from './json-schemas.ts'

describe('the JSON Schema files', () => {
  it.each(jsonSchemas)('are what the program reads: $file', async ({ file, schema }) => {
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(schema)
  })
})
