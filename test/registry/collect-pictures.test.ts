import { describe, expect, it } from 'vitest'
import { LeaseLostError } from '../../lib/errors.ts'
import { collectPictures, planPictures } from '../../lib/registry/collect-pictures.ts'
import type { Digest } from '../../lib/store/types.ts'
import { type TemporaryStores, temporaryStores } from '../support/stores.ts'

const day = 86_400_000
const held = { assertHeld: () => undefined }

const put = ({ blobs }: TemporaryStores, text: string): Promise<Digest> =>
  blobs.put('pictures', new TextEncoder().encode(text))

async function putKept(stores: TemporaryStores, text: string): Promise<Digest> {
  const digest = await put(stores, text)
  await stores.blobs.keep(digest)
  return digest
}

/** Collects, and checks that the plan said so. */
async function collected(stores: TemporaryStores, named: readonly Digest[], days: number) {
  const options = { expireMs: days * day }
  const plan = await planPictures(stores.blobs, new Set(named), options)
  const deed = await collectPictures(stores.blobs, new Set(named), held, options)
  expect(plan).toEqual(deed)
  return deed
}

describe('collectPictures', () => {
  it('releases a kept picture that nothing names any more, after a day', async () => {
    const stores = temporaryStores()
    const digest = await putKept(stores, 'evicted')
    stores.wall.ms += day - 1
    expect(await collected(stores, [], 30)).toMatchObject({ released: 0 })
    stores.wall.ms += 1
    expect(await collected(stores, [], 30)).toMatchObject({ released: 1, expired: { count: 0 } })
    expect(await stores.blobs.stat('pictures', digest)).toMatchObject({ kept: false })
  })

  it('leaves alone what is named, however old', async () => {
    const stores = temporaryStores()
    const digest = await putKept(stores, 'a')
    stores.wall.ms += 1_000 * day
    expect(await collected(stores, [digest], 30)).toEqual({
      kept: 0,
      released: 0,
      expired: { count: 0, bytes: 0 },
    })
    expect(await stores.blobs.stat('pictures', digest)).toMatchObject({ kept: true })
  })

  it('removes what nothing names once it is past its age, and no sooner', async () => {
    const stores = temporaryStores()
    await put(stores, 'never kept')
    await putKept(stores, 'evicted')
    stores.wall.ms += 30 * day - 1
    expect((await collected(stores, [], 30)).expired).toEqual({ count: 0, bytes: 0 })
    stores.wall.ms += 1
    expect((await collected(stores, [], 30)).expired).toEqual({ count: 2, bytes: 17 })
  })

  it('keeps for ever by default, and releases all the same', async () => {
    const stores = temporaryStores()
    await putKept(stores, 'evicted')
    stores.wall.ms += 1_000 * day
    const deed = await collectPictures(stores.blobs, new Set(), held)
    expect(deed).toMatchObject({ released: 1, expired: { count: 0 } })
  })

  it('gives a named picture back the mark that it lost', async () => {
    const stores = temporaryStores()
    const digest = await put(stores, 'a')
    stores.wall.ms += 1_000 * day
    expect(await collected(stores, [digest], 30)).toMatchObject({
      kept: 1,
      expired: { count: 0 },
    })
    expect(await stores.blobs.stat('pictures', digest)).toMatchObject({ kept: true, ageMs: 0 })
  })

  it('spares a picture that is kept again while it is released', async () => {
    const stores = temporaryStores()
    const digest = await putKept(stores, 'comes again')
    stores.wall.ms += 30 * day
    const { blobs } = stores
    const racing = {
      ...blobs,
      unkeep: async (one: Digest) => {
        await blobs.keep(one)
        await blobs.unkeep(one)
      },
    }
    const options = { expireMs: 30 * day }
    const deed = await collectPictures(racing, new Set(), held, options)
    expect(deed.expired.count).toBe(0)
    stores.wall.ms += day // by now a checkpoint names it
    await collectPictures(blobs, new Set([digest]), held, options)
    expect(await blobs.stat('pictures', digest)).toMatchObject({ kept: true })
  })

  it('changes nothing without its lease', async () => {
    const stores = temporaryStores()
    const digest = await putKept(stores, 'evicted')
    stores.wall.ms += 31 * day
    const lost = {
      assertHeld: () => {
        throw new LeaseLostError('gone')
      },
    }
    const collecting = collectPictures(stores.blobs, new Set(), lost, { expireMs: 30 * day })
    await expect(collecting).rejects.toThrow(LeaseLostError)
    expect(await stores.blobs.stat('pictures', digest)).toMatchObject({ kept: true })
  })
})
