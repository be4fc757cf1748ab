import { expect, it } from 'vitest'
import { synthesise } from './support.ts'

// Changed on purpose? Read the difference, then run `vitest run --project cdk -u`.
/** Hashes of assets change with every file that they hold. */
const hash = /[0-9a-f]{64}/g

it('is the deployment that somebody last looked at', () => {
  const { templates } = synthesise()
  const all = Object.fromEntries(
    Object.entries(templates).map(([name, template]) => [name, template.toJSON()]),
  )
  const text = `${JSON.stringify(all, null, 1).replaceAll(hash, 'hash')}\n`
  return expect(text).toMatchFileSnapshot('golden/development.json')
})
