import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../lib/errors.ts'
import { claimPipeline } from '../../lib/registry/pipeline.ts'
import { temporaryStores } from '../support/stores.ts'

describe('claimPipeline', () => {
  it('remembers the name, and the program that came first', async () => {
    const { documents } = temporaryStores()
    await claimPipeline(documents, { name: 'main', program: '0.1.0' })
    const later = await claimPipeline(documents, { name: 'main', program: '0.2.0' })
    expect(later).toEqual({ format: 1, name: 'main', program: '0.1.0' })
  })

  it('writes nothing where the claim stands: most roles may only read', async () => {
    const { documents } = temporaryStores()
    await claimPipeline(documents, { name: 'main', program: '0.1.0' })
    const create = () => Promise.reject(new Error('may not write'))
    const later = await claimPipeline({ ...documents, create }, { name: 'main', program: '0.2.0' })
    expect(later.program).toBe('0.1.0')
  })

  it('refuses a start under another name, naming both', async () => {
    const { documents } = temporaryStores()
    await claimPipeline(documents, { name: 'main', program: '0.1.0' })
    const other = claimPipeline(documents, { name: 'shop', program: '0.1.0' })
    await expect(other).rejects.toThrow(
      new ConfigError('pipeline: expected the stores of shop, got those of main'),
    )
  })

  it('refuses a name that no key or group could carry', async () => {
    const { documents } = temporaryStores()
    const claim = claimPipeline(documents, { name: 'Main!', program: '0.1.0' })
    await expect(claim).rejects.toThrow(ConfigError)
  })

  it('refuses stores of a newer format', async () => {
    const { documents } = temporaryStores()
    await documents.create('pipeline', { format: 2 })
    const claim = claimPipeline(documents, { name: 'main', program: '0.1.0' })
    await expect(claim).rejects.toThrow('pipeline: expected format 1 or older, got 2')
  })
})
