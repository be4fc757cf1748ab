import { describe, expect, it } from 'vitest'
import { ArtifactError } from '../../lib/errors.ts'
import { manifestBytes, readManifest } from '../../lib/registry/manifest.ts'
import { smallModel } from '../support/models.ts'

const { manifest } = smallModel(3, { champion: 'v2-0123456789ab' })
const text = new TextEncoder()

describe('manifestBytes', () => {
  it('reads back as the same manifest', () => {
    expect(readManifest(manifestBytes(manifest))).toEqual(manifest)
  })

  it('does not depend on the order of fields', () => {
    const backwards = Object.fromEntries(Object.entries(manifest).reverse())
    expect(manifestBytes(backwards as unknown as typeof manifest)).toEqual(manifestBytes(manifest))
  })

  it.each(['../escape.json', '/etc/passwd', 'a/../b', 'a\\b', '.hidden', 'a//b', 'a/', 'a b'])(
    'refuses the path %s',
    (path) => {
      const files = manifest.files.map((file) => ({ ...file, path }))
      expect(() => manifestBytes({ ...manifest, files: files.slice(0, 1) })).toThrow(ArtifactError)
    },
  )

  it('refuses two files that are one on a system without case', () => {
    const [file] = manifest.files
    const files = file ? [file, { ...file, path: file.path.toUpperCase() }] : []
    const write = (): unknown => manifestBytes({ ...manifest, files })
    expect(write).toThrow('manifest: files: expected each path once')
  })
})

describe('readManifest', () => {
  it.each([
    ['other bytes', Uint8Array.from([0xff, 0xfe]), 'manifest: expected JSON, got other bytes'],
    ['a newer format', text.encode('{"format":2}'), 'manifest: expected format 1 or older, got 2'],
    ['another object', text.encode('{"format":1}'), 'manifest: name: '],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readManifest(bytes)).toThrow(ArtifactError)
    expect(() => readManifest(bytes)).toThrow(message)
  })
})
