import { expect, it } from 'vitest'
import {
  heldRelease,
  type LoadedRelease,
  releaseHolder,
} from '../../lib/service/serving-release.ts'

/** A release that does nothing but remember that it was disposed of. */
function emptyRelease(version: string, ended: string[]): LoadedRelease {
  return {
    version,
    preprocessingHash: 'p',
    seq: 1,
    generation: undefined,
    preprocessing: { size: 28, channels: 'rgb', background: '#808080', mean: [0], std: [1] },
    dim: 2,
    size: 0,
    embed: async () => ({ rows: 0, dim: 2, data: new Float32Array() }),
    search: async () => [],
    dispose: async () => {
      ended.push(version)
    },
  }
}

it('is busy until a release is loaded', async () => {
  const using = releaseHolder().use(async () => 1)
  await expect(using).rejects.toMatchObject({ code: 'BUSY', retryable: true })
})

it('gives the next request the new release, and lets the old one end after its last request', async () => {
  const ended: string[] = []
  const holder = releaseHolder()
  holder.swap(heldRelease(emptyRelease('v1', ended)))
  let finish = () => {}
  const slow = holder.use(async (release) => {
    await new Promise<void>((resolve) => {
      finish = resolve
    })
    return release.version
  })
  const before = holder.swap(heldRelease(emptyRelease('v2', ended)))
  const retired = before?.retire()
  expect(await holder.use(async ({ version }) => version)).toBe('v2')
  expect(ended).toEqual([])
  finish()
  expect(await slow).toBe('v1')
  await retired
  expect(ended).toEqual(['v1'])
})

it('counts a request that fails as ended', async () => {
  const ended: string[] = []
  const holder = releaseHolder()
  holder.swap(heldRelease(emptyRelease('v1', ended)))
  await expect(holder.use(() => Promise.reject(new Error('bad')))).rejects.toThrow('bad')
  await holder.swap(undefined)?.retire()
  expect(ended).toEqual(['v1'])
  expect(holder.current).toBeUndefined()
})
