import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { imageId } from '../../lib/image/fingerprint.ts'
import { defaultPreprocessing, type Preprocessing } from '../../lib/image/options.ts'
import { type PixelCache, pixelCache } from '../../lib/image/pixel-cache.ts'
import { pixelBytes } from '../../lib/image/preprocessing.ts'
import { writtenId, writtenPixels, writtenSettings } from '../fixtures/image/pixel-writer.ts'

const settings: Preprocessing = { ...defaultPreprocessing, size: 16 }
const payload = pixelBytes(settings)
const slotBytes = 48 + payload
const idOf = (n: number): string => imageId(Buffer.from(`picture ${n}`))
const pixelsOf = (n: number): Uint8Array =>
  Uint8Array.from({ length: payload }, (_, i) => (n * 31 + i) % 256)

let folder: string
let cache: PixelCache
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pixel-cache-'))
  cache = pixelCache(folder, settings)
  for (const n of [0, 1, 2]) cache.write(idOf(n), pixelsOf(n))
})
afterEach(() => {
  cache.close()
  rmSync(folder, { recursive: true })
})

const path = (): string => join(folder, readdirSync(folder)[0] as string)

/** What another process finds after this one was killed now, its file changed in between. */
function reopen(change: (bytes: Buffer) => void = () => {}): void {
  cache.close()
  const bytes = readFileSync(path())
  change(bytes)
  writeFileSync(path(), bytes)
  cache = pixelCache(folder, settings)
}

describe('pixelCache', () => {
  it('gives pictures back in the order asked for, one of them twice', () => {
    const found = cache.read([idOf(2), idOf(0), idOf(2)])
    expect(found).toEqual(Uint8Array.from([2, 0, 2].flatMap((n) => [...pixelsOf(n)])))
  })

  it('finds everything again when opened anew', () => {
    reopen()
    expect(cache.size).toBe(3)
    expect(cache.read([idOf(1)])).toEqual(pixelsOf(1))
  })

  it('names what is missing', () => {
    expect(cache.missing([idOf(9), idOf(1), idOf(9)])).toEqual([idOf(9)])
    expect(() => cache.read([idOf(1), idOf(9)])).toThrow(
      `pixelCache: expected pixels of ${idOf(9)}, got no whole slot`,
    )
  })

  it.each([
    ['the first byte of the pixels', 64 + slotBytes + 48],
    ['the last byte of the pixels', 64 + 2 * slotBytes - 1],
    ['the checksum', 64 + slotBytes + 32],
  ])('finds a slot torn at %s missing, and takes the picture in again', (_name, at) => {
    reopen((bytes) => {
      bytes[at] = (bytes[at] as number) ^ 1
    })
    expect(cache.missing([idOf(0), idOf(1), idOf(2)])).toEqual([idOf(1)])
    cache.write(idOf(1), pixelsOf(1))
    reopen()
    expect(cache.read([idOf(0), idOf(1), idOf(2)]).subarray(payload, 2 * payload)).toEqual(
      pixelsOf(1),
    )
    expect(statSync(path()).size).toBe(64 + 3 * slotBytes)
  })

  it('drops a damaged slot when it is read', () => {
    reopen((bytes) => {
      bytes[64 + 48] = (bytes[64 + 48] as number) ^ 1
    })
    expect(cache.has(idOf(0))).toBe(true)
    expect(() => cache.read([idOf(0)])).toThrow('got no whole slot')
    expect(cache.has(idOf(0))).toBe(false)
  })

  it('never takes a slot for that of the picture it held before', () => {
    reopen((bytes) => bytes.write(idOf(7), 64, 'hex'))
    expect(cache.missing([idOf(7)])).toEqual([idOf(7)])
  })

  it.each([1, 31, 40, slotBytes - 1])('ignores a slot cut off after %i bytes', (length) => {
    cache.close()
    truncateSync(path(), 64 + 2 * slotBytes + length)
    cache = pixelCache(folder, settings)
    expect(cache.missing([idOf(0), idOf(1), idOf(2)])).toEqual([idOf(2)])
    cache.write(idOf(2), pixelsOf(2))
    reopen()
    expect(cache.read([idOf(2)])).toEqual(pixelsOf(2))
  })

  it('begins anew where the head is torn or of another format', () => {
    reopen((bytes) => {
      bytes[8] = 9
    })
    expect(cache.size).toBe(0)
    cache.write(idOf(5), pixelsOf(5))
    reopen()
    expect(cache.read([idOf(5)])).toEqual(pixelsOf(5))
  })

  it('keeps preprocessings apart', () => {
    const other = pixelCache(folder, { ...settings, background: '#000000' })
    expect(other.has(idOf(0))).toBe(false)
    other.close()
    expect(readdirSync(folder)).toHaveLength(2)
  })

  it('gives the slots of dropped pictures to new ones', () => {
    expect(cache.retain([idOf(1), idOf(8)])).toBe(2)
    expect(cache.has(idOf(0))).toBe(false)
    cache.write(idOf(3), pixelsOf(3))
    cache.write(idOf(4), pixelsOf(4))
    reopen()
    expect(statSync(path()).size).toBe(64 + 3 * slotBytes)
    expect(cache.missing([idOf(0), idOf(1), idOf(2), idOf(3), idOf(4)])).toEqual([idOf(0), idOf(2)])
  })

  it('keeps dropped pictures out after opening anew', () => {
    cache.retain([idOf(1)])
    reopen()
    expect(cache.size).toBe(1)
  })

  it('refuses pixels of another size and ids that are none', () => {
    expect(() => cache.write(idOf(3), new Uint8Array(3))).toThrow(
      'pixelCache: expected 768 bytes, got 3',
    )
    expect(() => cache.write('abc', pixelsOf(3))).toThrow(
      'pixelCache: expected an image id of 64 hex characters, got abc',
    )
  })
})

describe('pixelCache, its process killed', () => {
  it('holds every picture whose write had returned, whole', async () => {
    const script = new URL('../fixtures/image/pixel-writer.ts', import.meta.url)
    for (const kills of [1, 2, 3, 4, 5]) {
      const writer = spawn(process.execPath, [fileURLToPath(script), folder])
      let said = ''
      writer.stdout.on('data', (text: Buffer) => {
        said += text
        if (said.length > 200 * kills) writer.kill('SIGKILL')
      })
      await once(writer, 'close')
      const written = Number(said.trimEnd().split('\n').at(-1))
      const survivor = pixelCache(folder, writtenSettings)
      const ids = Array.from({ length: written }, (_, n) => writtenId(n))
      expect(survivor.missing(ids)).toEqual([])
      expect(survivor.read(ids.slice(-1))).toEqual(writtenPixels(written - 1))
      survivor.close()
    }
  })
})
