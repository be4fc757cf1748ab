import { describe, expect, it } from 'vitest'
import { ArtifactError } from '../../lib/errors.ts'
import { manifestFile, verifyFiles } from '../../lib/registry/version-files.ts'
import { smallModel } from '../support/models.ts'

const { manifest, files } = smallModel(1)

describe('verifyFiles', () => {
  it('accepts exactly the files of the manifest', () => {
    expect(() => verifyFiles(manifest, files)).not.toThrow()
  })

  it.each([
    ['an unlisted file', { ...files, 'extra.js': new Uint8Array() }, 'extra.js: expected only'],
    [
      'a missing file',
      { 'model.json': files['model.json'] },
      'weights.bin: expected 3 bytes, got no',
    ],
    ['another size', { ...files, 'weights.bin': new Uint8Array(4) }, 'expected 3 bytes, got 4'],
    ['other bytes', { ...files, 'weights.bin': new Uint8Array(3) }, 'weights.bin: expected sha256'],
  ])('refuses %s', (_, given, message) => {
    const verify = (): void => verifyFiles(manifest, given as typeof files)
    expect(verify).toThrow(ArtifactError)
    expect(verify).toThrow(message)
  })
})

describe('manifestFile', () => {
  it('describes bytes by size and sha256', () => {
    expect(manifestFile('a', new Uint8Array())).toEqual({
      path: 'a',
      bytes: 0,
      sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    })
  })
})
