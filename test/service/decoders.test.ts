import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { decodeImage } from '../../lib/image/decode.ts'
import { defaultPreprocessing, defaultImageLimits as limits } from '../../lib/image/options.ts'
import { type DecoderOptions, type Decoders, decoders } from '../../lib/service/decoders.ts'
import { busy } from '../fixtures/image/pictures.ts'

const preprocessing = defaultPreprocessing
const hostile = new URL('../fixtures/image/hostile-worker.ts', import.meta.url)

let open: Decoders | undefined
const start = (change: Partial<DecoderOptions> = {}): Decoders => {
  open = decoders({ processes: 1, limits, preprocessing, ...change })
  return open
}
afterEach(async () => {
  await open?.close()
  open = undefined
})

describe('decoders', () => {
  it('give the pixels that this process would give', async () => {
    const bytes = await busy().jpeg().toBuffer()
    const image = await start().decode(bytes)
    expect(image).toEqual(await decodeImage(bytes, limits, preprocessing))
    const other = { ...preprocessing, size: 40 }
    const asked = await open?.decode(bytes, other)
    expect(asked).toEqual(await decodeImage(bytes, limits, other))
  })

  it('say why a picture is refused, with the error that this process would throw', async () => {
    const pool = start()
    const bytes = await busy().jpeg().toBuffer()
    const outcomes = [new Uint8Array(0), Buffer.from('words'), bytes.subarray(0, 900)].map(
      async (input) => [
        await pool.decode(input).catch((error: unknown) => error),
        await decodeImage(input, limits, preprocessing).catch((error: unknown) => error),
      ],
    )
    for (const [there, here] of await Promise.all(outcomes)) {
      const { name, code, reason, message } = here as Error & { code: string; reason: string }
      expect(there).toMatchObject({ name, code, reason, message })
    }
  })

  it('make small copies, and tell the number that a picture exceeded', async () => {
    const small = await start().thumbnail(await busy().jpeg().toBuffer())
    expect(Buffer.from(small).toString('latin1', 8, 12)).toBe('WEBP')
    await open?.close()
    const strict = start({ limits: { ...limits, minSide: 10_000 } })
    const refused = { code: 'IMAGE_SIZE', reason: 'side', limit: 10_000 }
    await expect(strict.thumbnail(await busy().png().toBuffer())).rejects.toMatchObject(refused)
  })

  it('decode many at once', async () => {
    const pool = start({ processes: 2 })
    const bytes = await busy().png().toBuffer()
    const images = await Promise.all(Array.from({ length: 40 }, () => pool.decode(bytes)))
    expect(new Set(images.map(({ fingerprint }) => fingerprint)).size).toBe(1)
  })

  it('refuse work once closed', async () => {
    const pool = start()
    await pool.close()
    open = undefined
    await expect(pool.decode(Buffer.from('x'))).rejects.toMatchObject({
      code: 'BUSY',
      message: 'decoders: expected to be open, got closed',
    })
  })
})

describe('decoders, closed while a picture is under way', () => {
  it('let it fail and start no process for it', async () => {
    const pool = start({ worker: hostile })
    const { fingerprint: pid } = await pool.decode(Buffer.from('fine'))
    const hanging = pool.decode(Buffer.from('hang'))
    const waiting = pool.decode(Buffer.from('fine'))
    const outcomes = Promise.allSettled([hanging, waiting])
    await pool.close()
    expect(await outcomes).toMatchObject([
      { status: 'rejected', reason: { code: 'BUSY' } },
      { status: 'rejected', reason: { code: 'BUSY' } },
    ])
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH')
  })
})

describe('decoders, when a picture turns on its process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'decoders-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  it('show the process nothing of our environment', async () => {
    process.env['A_SECRET_OF_OURS'] = 'credential'
    const { fingerprint } = await start({ worker: hostile }).decode(Buffer.from('environment'))
    const names = Object.keys(JSON.parse(fingerprint) as object)
    expect(names.sort()).toEqual(['MALLOC_ARENA_MAX', 'TINYPOOL_WORKER_ID', 'VIPS_BLOCK_UNTRUSTED'])
  })

  it('kill a process that hangs, and go on with the next picture', async () => {
    const pool = start({ worker: hostile, killAfterMs: 1_000 })
    const hanging = pool.decode(Buffer.from('hang'))
    const next = pool.decode(Buffer.from('fine'))
    await expect(hanging).rejects.toMatchObject({ code: 'IMAGE_DECODE', reason: 'timeout' })
    expect((await next).mediaType).toBe('image/png')
  })

  it('try a picture once more after a crash, and no more', async () => {
    const pool = start({ worker: hostile, processes: 2 })
    const marker = join(folder, 'crashed')
    const second = await pool.decode(Buffer.from(`crash-once ${marker}`))
    expect(second.mediaType).toBe('image/png')
    const others = [1, 2, 3].map((n) => pool.decode(Buffer.from(`fine ${n}`)))
    await expect(pool.decode(Buffer.from('crash'))).rejects.toMatchObject({
      code: 'IMAGE_DECODE',
      reason: 'crash',
    })
    expect(await Promise.all(others)).toHaveLength(3)
  })

  it('count an unexpected error of the decoder as a crash', async () => {
    await expect(start({ worker: hostile }).decode(Buffer.from('throw'))).rejects.toMatchObject({
      code: 'IMAGE_DECODE',
      message: 'decoders: expected a picture, got "out of luck" twice',
    })
  })

  it('replace a process after its share of pictures', async () => {
    const pool = start({ worker: hostile, maxServed: 3 })
    const pids: string[] = []
    for (let n = 0; n < 9; n += 1) pids.push((await pool.decode(Buffer.from('fine'))).fingerprint)
    expect(new Set(pids).size).toBe(3)
    expect(pids[2]).toBe(pids[0])
    expect(pids[3]).not.toBe(pids[2])
  })

  it('replace a process that has grown too large', async () => {
    const pool = start({ worker: hostile })
    const grown = await pool.decode(Buffer.from('grow'))
    const after = await pool.decode(Buffer.from('fine'))
    expect(after.fingerprint).not.toBe(grown.fingerprint)
  })

  it('blame themselves, not the picture, when no process starts', async () => {
    const worker = new URL('./not-there.ts', import.meta.url)
    await expect(start({ worker }).decode(Buffer.from('fine'))).rejects.toMatchObject({
      code: 'ENGINE',
      retryable: true,
    })
  })
})
