import { describe, expect, it } from 'vitest'
import { type Tensor4D, tf } from '../../lib/engine/tf.ts'
import { chunks } from '../../lib/learn/pictures.ts'
import { conv4 } from '../../lib/model/conv4.ts'
import { tinyIds, tinyPictures, tinySize, tinySource } from './tiny.ts'

const ids = tinyIds(3, 2)
const views = ids.map((_, i) => i % 2)

/** Values of pictures, which are freed. */
async function values(images: Promise<Tensor4D>): Promise<Float32Array[]> {
  const tensor = await images
  const data = (await tensor.data()) as Float32Array
  const side = tinySize * tinySize
  tensor.dispose()
  return Array.from({ length: data.length / side }, (_, i) => data.slice(i * side, (i + 1) * side))
}

describe('picturesOf', () => {
  it('normalises plain pictures as the preprocessing says', async () => {
    const bytes = await tinySource.read(ids)
    const plain = await values(tinyPictures().plain(ids))
    expect(plain).toHaveLength(ids.length)
    expect(plain[1]?.[3]).toBeCloseTo(
      ((bytes[tinySize * tinySize + 3] as number) - 127.5) / 127.5,
      5,
    )
  })

  it('varies a picture by its name, view and step, whatever the order', async () => {
    const pictures = tinyPictures()
    const forth = await values(pictures.varied(ids, views, 4))
    const back = await values(pictures.varied(ids.toReversed(), views.toReversed(), 4))
    expect(back.toReversed()).toEqual(forth)
    const alone = await values(pictures.varied(ids.slice(2, 3), views.slice(2, 3), 4))
    expect(alone[0]).toEqual(forth[2])
  })

  it('varies another view, step and seed otherwise', async () => {
    const of = async (view: number, step: number, seed = 1) =>
      (await values(tinyPictures(seed).varied(ids.slice(0, 1), [view], step)))[0]
    const one = await of(0, 0)
    for (const other of [of(1, 0), of(0, 1), of(0, 0, 2)]) expect(await other).not.toEqual(one)
    expect(await of(0, 0)).toEqual(one)
  })

  it('varies probes harder than training', async () => {
    const pictures = tinyPictures()
    const many = tinyIds(10, 10)
    const plain = await values(pictures.plain(many))
    const away = (varied: readonly Float32Array[]) =>
      varied.reduce(
        (sum, picture, i) =>
          sum + picture.reduce((inner, v, j) => inner + (v - (plain[i]?.[j] as number)) ** 2, 0),
        0,
      )
    const soft = away(
      await values(
        pictures.varied(
          many,
          many.map(() => 0),
          0,
        ),
      ),
    )
    const hard = away(await values(pictures.hard(many, 0)))
    expect(soft).toBeGreaterThan(0)
    expect(hard).toBeGreaterThan(soft)
    expect(await values(pictures.hard(many, 1))).not.toEqual(await values(pictures.hard(many, 0)))
  })

  it('embeds pictures in order, more than it takes at once', async () => {
    const network = conv4({ size: tinySize, channels: 1, dim: 4, seed: 1 })
    const many = tinyIds(10, 15)
    const all = await tinyPictures().embed(network, many)
    const last = await tinyPictures().embed(network, many.slice(-2))
    expect([all.rows, all.dim]).toEqual([150, 4])
    for (const [i, value] of last.data.entries()) {
      expect(value).toBeCloseTo(all.data[148 * 4 + i] as number, 4)
    }
  })

  it('leaves no tensor behind but those it hands out', async () => {
    const network = conv4({ size: tinySize, channels: 1, dim: 4, seed: 1 })
    const pictures = tinyPictures()
    const before = tf.memory().numTensors
    await pictures.embed(network, ids)
    for (const images of [
      pictures.plain(ids),
      pictures.varied(ids, views, 0),
      pictures.hard(ids, 0),
    ]) {
      const tensor = await images
      expect(tensor.shape).toEqual([ids.length, tinySize, tinySize, 1])
      tensor.dispose()
    }
    expect(tf.memory().numTensors).toBe(before)
  })
})

it('cuts a list into runs of at most the size asked for', () => {
  expect([...chunks([1, 2, 3, 4, 5], 2)]).toEqual([[1, 2], [3, 4], [5]])
  expect([...chunks([], 2)]).toEqual([])
})
